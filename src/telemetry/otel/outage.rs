//! Says in the log that the collector cannot be reached, and does not repeat it for each batch.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Interval at which a lasting outage is logged again.
const REPEAT: Duration = Duration::from_mins(10);

/// Whether the collector takes what it is sent.
#[derive(Debug, Default)]
pub(super) struct Outage(Mutex<Option<Instant>>);

impl Outage {
    /// Whether to log a failure: the first, and then one now and then.
    pub(super) fn failed(&self) -> bool {
        let mut logged = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let due = logged.is_none_or(|at| at.elapsed() >= REPEAT);
        if due {
            *logged = Some(Instant::now());
        }
        due
    }

    /// Whether to log a success: the first after a failure.
    pub(super) fn succeeded(&self) -> bool {
        let mut logged = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        logged.take().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_logged_at_its_ends() {
        let outage = Outage::default();
        assert!(!outage.succeeded());
        assert!(outage.failed());
        assert!(!outage.failed());
        assert!(outage.succeeded());
        assert!(!outage.succeeded());
        assert!(outage.failed());
    }
}
