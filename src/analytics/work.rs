//! What the questions of a request cost.

use std::sync::{Mutex, PoisonError};

use crate::store::Meter;

/// The work of answering.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Work {
    /// Bytes that were read from the database; other work is counted in bytes that are read in the
    /// same time.
    pub bytes: u64,
    /// Statements that were sent to the database.
    pub statements: u64,
    /// Whether a question was admitted as a costly one, which waits for its turn.
    pub costly: bool,
}

/// Adds up the work of the questions of one request.
#[derive(Debug, Default)]
pub struct Ledger(Mutex<Work>);

impl Work {
    /// What a meter has counted.
    pub(super) fn of(meter: &Meter) -> Self {
        Self {
            bytes: meter.spent(),
            statements: meter.statements(),
            costly: false,
        }
    }

    /// This and other work.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            bytes: self.bytes.saturating_add(other.bytes),
            statements: self.statements + other.statements,
            costly: self.costly || other.costly,
        }
    }
}

impl Ledger {
    pub(super) fn add(&self, work: Work) {
        let mut sum = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *sum = sum.and(work);
    }

    /// The work so far.
    #[must_use]
    pub fn sum(&self) -> Work {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
