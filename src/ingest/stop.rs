//! The signal that makes a running ingestion stop.

use std::sync::OnceLock;

/// Why an ingestion stops before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StopReason {
    /// Somebody cancelled it.
    Cancel,
    /// The program ends; it goes on at the next start.
    Shutdown,
}

/// Set once, read often.
#[derive(Debug, Default)]
pub(super) struct Stop(OnceLock<StopReason>);

impl Stop {
    /// Asks the ingestion to stop; the first reason stands.
    pub(super) fn ask(&self, reason: StopReason) {
        let _ = self.0.set(reason);
    }

    /// Whether it was asked to, and why.
    pub(super) fn reason(&self) -> Option<StopReason> {
        self.0.get().copied()
    }
}
