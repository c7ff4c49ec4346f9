//! A bounded queue of questions that wait for their turn.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::AnalyticsError;
use super::admission_metrics::{Counted, QueueMetrics};

/// Runs a limited number of questions at the same time; the others wait in the order of arrival.
pub(super) struct Queue {
    permits: Arc<Semaphore>,
    /// Maximum number of waiting questions.
    room: usize,
    /// Maximum time that a question waits.
    timeout: Duration,
    metrics: QueueMetrics,
}

/// The turn of a question; ends when this is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    _permit: OwnedSemaphorePermit,
    _running: Counted,
}

impl Queue {
    pub(super) fn new(
        permits: usize,
        room: usize,
        timeout: Duration,
        metrics: QueueMetrics,
    ) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(permits)),
            room,
            timeout,
            metrics,
        }
    }

    /// A turn, if one is free.
    pub(super) fn free_turn(&self) -> Option<Turn> {
        let permit = Arc::clone(&self.permits).try_acquire_owned().ok()?;
        Some(self.begun(permit, Duration::ZERO))
    }

    /// Waits for a turn. Fails if the queue is full, or after the time-out. Dropping the future
    /// leaves the queue.
    pub(super) async fn turn(&self) -> Result<Turn, AnalyticsError> {
        let began = Instant::now();
        let waiting = self.metrics.waiting();
        if waiting.number() <= self.room {
            let acquired = Arc::clone(&self.permits).acquire_owned();
            if let Ok(Ok(permit)) = tokio::time::timeout(self.timeout, acquired).await {
                return Ok(self.begun(permit, began.elapsed()));
            }
        }
        self.metrics.refused();
        Err(AnalyticsError::Busy {
            waiting: waiting.now(),
        })
    }

    fn begun(&self, permit: OwnedSemaphorePermit, waited: Duration) -> Turn {
        self.metrics.waited(waited);
        Turn {
            _permit: permit,
            _running: self.metrics.running(),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::super::admission_metrics::{AdmissionMetrics, Cost};
    use super::*;

    fn queue(permits: usize, room: usize, timeout: Duration) -> Queue {
        let metrics = AdmissionMetrics::default().of(Cost::Costly);
        Queue::new(permits, room, timeout, metrics)
    }

    #[tokio::test]
    async fn turns_come_in_the_order_of_arrival() {
        let queue = queue(1, 10, Duration::MAX);
        let first = queue.turn().await.unwrap();
        assert!(queue.free_turn().is_none());
        let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(queue.turn())).collect();
        for turn in &mut waiting {
            assert!(turn.now_or_never().is_none());
        }
        // A question that leaves the middle of the queue delays no other.
        drop(waiting.remove(1));
        drop(first);
        assert!(
            queue.free_turn().is_none(),
            "no question overtakes the queue"
        );
        let mut last = waiting.pop().unwrap();
        assert!((&mut last).now_or_never().is_none());
        let next = waiting.pop().unwrap().now_or_never().unwrap();
        drop(next);
        assert!(last.now_or_never().is_some());
        assert!(queue.free_turn().is_some());
    }

    #[tokio::test]
    async fn a_full_queue_refuses() {
        let queue = queue(1, 1, Duration::MAX);
        let first = queue.turn().await.unwrap();
        let mut second = Box::pin(queue.turn());
        assert!((&mut second).now_or_never().is_none());
        let refused = queue.turn().await.unwrap_err();
        assert!(matches!(refused, AnalyticsError::Busy { waiting: 2 }));
        drop(first);
        assert!(second.await.is_ok());
    }

    #[tokio::test]
    async fn nobody_waits_for_ever() {
        let queue = queue(1, 10, Duration::from_millis(5));
        let first = queue.turn().await.unwrap();
        let refused = queue.turn().await.unwrap_err();
        assert!(matches!(refused, AnalyticsError::Busy { waiting: 1 }));
        drop(first);
        assert!(queue.turn().await.is_ok());
    }
}
