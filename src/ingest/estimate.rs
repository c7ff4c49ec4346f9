//! Estimates of a run's progress in percent, and of the remaining time.

use std::sync::{Mutex, PoisonError};

/// Duration of the last publication, from which that of the next one is estimated.
#[derive(Debug)]
pub(super) struct Pace(Mutex<Published>);

/// A publication.
#[derive(Debug, Clone, Copy)]
struct Published {
    /// Size of the file.
    bytes: f64,
    /// Duration as a multiple of the reading time, so that it depends little on the machine's speed
    /// and load.
    share: f64,
}

/// Upper limit of the expected publishing time, as a multiple of the reading time.
const LARGEST_SHARE: f64 = 0.5;

impl Default for Pace {
    /// The pace of a file of about 1 million trips.
    fn default() -> Self {
        Self(Mutex::new(Published {
            bytes: 110e6,
            share: 0.25,
        }))
    }
}

impl Pace {
    /// Records the seconds that publishing and reading a file took.
    pub(super) fn learn(&self, bytes: u64, publishing: f64, reading: f64) {
        if bytes > 0 && reading > 0.0 {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Published {
                bytes: bytes as f64,
                share: publishing / reading,
            };
        }
    }

    /// Expected publishing time of a file, as a multiple of its reading time. Histograms grow with
    /// places and weeks, and larger files add fewer new ones per trip: as a rule of thumb, their
    /// number grows with the square root of the file size.
    pub(super) fn share(&self, bytes: u64) -> f64 {
        let known = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let share = known.share * (known.bytes / bytes as f64).sqrt();
        share.min(known.share.max(LARGEST_SHARE))
    }
}

/// Maximum percent of a run that has not ended.
const ALMOST: f64 = 99.9;

/// The progress of a run: percent of its work, and the remaining seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Standing {
    pub(super) percent: f64,
    pub(super) eta_seconds: Option<f64>,
}

/// The estimate of one run, updated as the run progresses.
///
/// Percentages are shares of time. A run that resumes from a checkpoint begins at its percentage,
/// and the percentage never decreases.
#[derive(Debug)]
pub(super) struct Estimate {
    /// Percent at the beginning of the run, and current percent.
    first: f64,
    percent: f64,
    /// The part of the file, 0 to 1, that was read and stored at the beginning of the run.
    before: f64,
    /// Expected publishing time, as a multiple of the reading time.
    share: f64,
    /// Seconds that reading the whole file takes.
    whole: f64,
    /// Percent at the beginning of publishing.
    read: Option<f64>,
}

impl Estimate {
    /// The estimate of a run that begins at `percent`, with the part `before` (0 to 1) of the file
    /// read and stored. `share` is the expected publishing time as a multiple of the reading time.
    pub(super) const fn new(percent: f64, before: f64, share: f64) -> Self {
        Self {
            first: percent,
            percent,
            before,
            share,
            whole: 0.0,
            read: None,
        }
    }

    /// Estimated seconds that reading the whole file takes in one run.
    pub(super) const fn reading_seconds(&self) -> f64 {
        self.whole
    }

    /// The progress while the file is read and stored: `done` is the completed part (0 to 1),
    /// `seconds` the time since the run began, and `rate` the part completed per second, recently.
    pub(super) fn reading(&mut self, seconds: f64, done: f64, rate: f64) -> Standing {
        let of_run = (done - self.before) / (1.0 - self.before);
        if of_run > 0.0 {
            let run = seconds / of_run;
            self.whole = run / (1.0 - self.before);
            let all = run + self.share * self.whole;
            self.reach(self.first + (100.0 - self.first) * seconds / all);
        }
        let left = (1.0 - done) / rate;
        Standing {
            percent: self.percent,
            eta_seconds: left.is_finite().then_some(left + self.share * self.whole),
        }
    }

    /// The progress while publishing: `done` is the completed part (0 to 1), `seconds` the time
    /// since publishing began.
    pub(super) fn publishing(&mut self, seconds: f64, done: f64) -> Standing {
        let read = *self.read.get_or_insert(self.percent);
        self.reach(read + (100.0 - read) * done);
        // The more is done, the more counts what it took, and the less what was expected.
        let weight = (4.0 * done).min(1.0);
        let measured = if done > 0.0 { seconds / done } else { 0.0 };
        let all = weight * measured + (1.0 - weight) * self.share * self.whole;
        Standing {
            percent: self.percent,
            eta_seconds: Some((1.0 - done) * all),
        }
    }

    fn reach(&mut self, percent: f64) {
        self.percent = percent.min(ALMOST).max(self.percent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_grow_with_time_over_both_phases() {
        // Eight seconds of reading, two of publishing, as expected.
        let mut estimate = Estimate::new(0.0, 0.0, 0.25);
        for second in 1..=8 {
            let seconds = f64::from(second);
            let at = estimate.reading(seconds, seconds / 8.0, 1.0 / 8.0);
            assert!((at.percent - 10.0 * seconds).abs() < 1e-9, "{at:?}");
            assert!(
                (at.eta_seconds.unwrap() - (10.0 - seconds)).abs() < 1e-9,
                "{at:?}"
            );
        }
        for quarter in 0..4 {
            let done = f64::from(quarter) / 4.0;
            let at = estimate.publishing(2.0 * done, done);
            assert!((at.percent - (80.0 + 20.0 * done)).abs() < 1e-9, "{at:?}");
            assert!(
                (at.eta_seconds.unwrap() - 2.0 * (1.0 - done)).abs() < 1e-9,
                "{at:?}"
            );
        }
    }

    #[test]
    fn percent_never_go_back_and_a_wrong_guess_is_mended() {
        let mut estimate = Estimate::new(30.0, 0.3, 0.002);
        let mut last = 30.0;
        for step in 0..=20 {
            // Slower and slower.
            let done = 0.3 + 0.7 * f64::from(step) / 20.0;
            let at = estimate.reading(f64::from(step * step), done, 0.01);
            assert!(at.percent >= last && at.percent < 100.0, "{at:?}");
            last = at.percent;
        }
        // It takes twenty seconds and not one.
        for step in 0..20 {
            let done = f64::from(step) / 20.0;
            let at = estimate.publishing(f64::from(step), done);
            assert!(at.percent >= last && at.percent < 100.0, "{at:?}");
            last = at.percent;
            if step > 10 {
                let off = at.eta_seconds.unwrap() / (20.0 - f64::from(step));
                assert!((0.5..2.0).contains(&off), "{at:?} at {step}");
            }
        }
    }

    #[test]
    fn nothing_read_yet_is_no_estimate() {
        let at = Estimate::new(0.0, 0.0, 0.25).reading(0.25, 0.0, 0.0);
        assert_eq!((at.percent, at.eta_seconds), (0.0, None));
    }

    #[test]
    fn the_next_publication_is_expected_to_be_like_the_last() {
        let near = |pace: &Pace, bytes, share: f64| (pace.share(bytes) - share).abs() < 1e-9;
        let pace = Pace::default();
        assert!(near(&pace, 110_000_000, 0.25));
        assert!(near(&pace, 440_000_000, 0.125));
        assert!(near(&pace, 1, LARGEST_SHARE));
        pace.learn(1_000, 4.0, 5.0);
        assert!(near(&pace, 1_000, 0.8));
        assert!(near(&pace, 4_000, 0.4));
        assert!(near(&pace, 10, 0.8));
    }
}
