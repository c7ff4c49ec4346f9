//! The signal that makes a running ingestion stop.

use std::sync::OnceLock;

/// Why an ingestion stops before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StopReason {
    /// A client cancelled it, or it was ended by another program.
    Cancel,
    /// The program shuts down; the ingestion continues at the next start.
    Shutdown,
}

/// A flag with a reason, set at most once.
#[derive(Debug, Default)]
pub(super) struct Stop(OnceLock<StopReason>);

impl Stop {
    /// Asks the ingestion to stop; the first reason is kept.
    pub(super) fn ask(&self, reason: StopReason) {
        let _ = self.0.set(reason);
    }

    /// The reason to stop; `None` if the ingestion was not asked to stop.
    pub(super) fn reason(&self) -> Option<StopReason> {
        self.0.get().copied()
    }
}
