use std::time::{Duration, Instant};

/// How long each stage of a pipeline was at work. Stages work at the same time; one that waits for
/// another is not at work, so the longest of them is what a faster machine would have to speed up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::ingest) struct Stages {
    /// Reading the file, parsing, finding cells.
    pub(in crate::ingest) reading: Duration,
    /// Sorting batches into patches, and adding these to histograms.
    pub(in crate::ingest) packing: Duration,
    /// Writing trips and patches.
    pub(in crate::ingest) writing: Duration,
    /// Adding histograms to what is stored, after all others.
    pub(in crate::ingest) publishing: Duration,
}

impl Stages {
    /// The stages by their names.
    pub(in crate::ingest) const fn by_name(&self) -> [(&'static str, Duration); 4] {
        [
            ("reading", self.reading),
            ("packing", self.packing),
            ("writing", self.writing),
            ("publishing", self.publishing),
        ]
    }
}

/// Measures how long a stage is at work.
#[derive(Debug)]
pub(super) struct Stopwatch {
    total: Duration,
    since: Instant,
}

impl Stopwatch {
    /// Starts.
    pub(super) fn start() -> Self {
        Self {
            total: Duration::ZERO,
            since: Instant::now(),
        }
    }

    /// Stands still while there is something to wait for.
    pub(super) fn pause<T>(&mut self, wait: impl FnOnce() -> T) -> T {
        self.total += self.since.elapsed();
        let outcome = wait();
        self.since = Instant::now();
        outcome
    }

    /// The time at work so far.
    pub(super) fn elapsed(&self) -> Duration {
        self.total + self.since.elapsed()
    }
}
