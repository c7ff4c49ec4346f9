//! What a question costs, counted while it reads.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// What a statement costs beside its rows, in bytes that are read in the same time.
const STATEMENT: u64 = 8 << 10;
/// What a row costs beside its large values.
const ROW: u64 = 128;

/// Counts the work of one question in bytes that are read from the database, and holds the
/// question up once it has used its budget, until [`Meter::lift`] takes the limit away.
///
/// The unit is work and not time, so that a cheap question stays cheap on a busy machine.
#[derive(Debug)]
pub struct Meter {
    spent: AtomicU64,
    statements: AtomicU64,
    limit: AtomicU64,
    exceeded: Notify,
    lifted: Notify,
}

impl Meter {
    /// A meter with a budget in bytes.
    #[must_use]
    pub fn new(limit: u64) -> Self {
        Self {
            spent: AtomicU64::new(0),
            statements: AtomicU64::new(0),
            limit: AtomicU64::new(limit),
            exceeded: Notify::new(),
            lifted: Notify::new(),
        }
    }

    /// A meter without a limit.
    #[must_use]
    pub fn unlimited() -> Self {
        Self::new(u64::MAX)
    }

    /// Waits until the budget is used up. The question that used it up waits, too.
    pub async fn exceeded(&self) {
        self.exceeded.notified().await;
    }

    /// Takes the limit away, and lets the question go on.
    pub fn lift(&self) {
        self.limit.store(u64::MAX, Ordering::Relaxed);
        self.lifted.notify_one();
    }

    /// The work so far, in bytes.
    #[must_use]
    pub fn spent(&self) -> u64 {
        self.spent.load(Ordering::Relaxed)
    }

    /// The statements so far.
    #[must_use]
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// Counts bytes that are read or worked on.
    pub(crate) fn count(&self, bytes: usize) {
        self.spent.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Counts a statement.
    pub(super) async fn statement(&self) {
        self.spent.fetch_add(STATEMENT, Ordering::Relaxed);
        self.statements.fetch_add(1, Ordering::Relaxed);
        self.pass().await;
    }

    /// Counts a row; its large values are counted where they are read.
    pub(super) async fn row(&self) {
        self.spent.fetch_add(ROW, Ordering::Relaxed);
        self.pass().await;
    }

    /// Lets other tasks of the thread run once in a while, and holds the question up where the
    /// budget is used up. Here a question that is no longer wanted ends.
    async fn pass(&self) {
        // Rows that lie ready make no await wait.
        tokio::task::consume_budget().await;
        while self.spent() > self.limit.load(Ordering::Relaxed) {
            self.exceeded.notify_one();
            self.lifted.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_question_is_held_up_until_the_limit_is_lifted() {
        let meter = Meter::new(STATEMENT + ROW);
        meter.statement().await;
        meter.row().await;
        assert!(meter.exceeded().now_or_never().is_none());
        meter.count(1);
        let mut held = Box::pin(meter.row());
        assert!((&mut held).now_or_never().is_none());
        assert!(meter.exceeded().now_or_never().is_some());
        assert!((&mut held).now_or_never().is_none());
        meter.lift();
        held.await;
        meter.count(1 << 40);
        meter.row().await;
    }
}
