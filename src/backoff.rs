//! Delays between attempts that grow with each failure.

use std::time::Duration;

/// Exponential backoff with jitter: the limit of the delay doubles with each failure, up to the
/// cap. Each delay is a random part of its limit, from half to all. The jitter keeps programs that
/// failed at the same time from retrying at the same time.
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    cap: Duration,
    failures: u32,
}

impl Backoff {
    /// Delays whose limit grows from `first` to `cap`.
    #[must_use]
    pub const fn new(first: Duration, cap: Duration) -> Self {
        Self {
            first,
            cap,
            failures: 0,
        }
    }

    /// The delay after another failure.
    pub fn delay(&mut self) -> Duration {
        // 2^20 times the first delay is past every cap.
        let factor = 1 << self.failures.min(20);
        self.failures = self.failures.saturating_add(1);
        let longest = self.first.saturating_mul(factor).min(self.cap);
        longest.mul_f64(0.5 + fastrand::f64() / 2.0)
    }

    /// Sleeps for the delay after another failure.
    pub async fn wait(&mut self) {
        tokio::time::sleep(self.delay()).await;
    }

    /// Resets the delay to the first, after a success.
    pub const fn reset(&mut self) {
        self.failures = 0;
    }
}

impl Default for Backoff {
    /// For a database that is unavailable: from 250 ms to 10 s.
    fn default() -> Self {
        Self::new(Duration::from_millis(250), Duration::from_secs(10))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_the_cap_and_begin_again_after_a_success() {
        let (first, cap) = (Duration::from_millis(100), Duration::from_secs(2));
        let mut backoff = Backoff::new(first, cap);
        for _ in 0..2 {
            let mut longest = first;
            for _ in 0..40 {
                let delay = backoff.delay();
                assert!(longest / 2 <= delay && delay <= longest, "{delay:?}");
                longest = cap.min(longest * 2);
            }
            backoff.reset();
        }
    }
}
