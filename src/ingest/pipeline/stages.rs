//! How long each stage of a pipeline was at work.

use std::time::{Duration, Instant};

/// Busy time of each stage of a run. Stages up to writing run at the same time; one that waits for
/// another is not at work, so the longest is the limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::ingest) struct Stages {
    /// Reading the file.
    pub(super) reading: ReadStages,
    /// Numbering names and counting, in the order of the file.
    pub(super) collecting: Duration,
    /// Sorting trip ends into patches, and adding these to histograms: origins.
    pub(super) packing_origins: Duration,
    /// The same: destinations.
    pub(super) packing_destinations: Duration,
    /// Writing patches.
    pub(super) writing: Duration,
    /// Adding histograms to what is stored, after all others.
    pub(super) publishing: Duration,
}

/// Busy time of the stages that turn a file into trips.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct ReadStages {
    /// Reading bytes, hashing them and splitting them into records.
    pub(super) splitting: Duration,
    /// Parsing records and finding cells: the sum over the parsers.
    pub(super) parsing: Duration,
    /// Number of threads that may parse at the same time.
    pub(super) parsers: usize,
}

impl Stages {
    /// The stages by their names. Parsing is the sum over its threads, which may exceed the time
    /// that has passed.
    pub(in crate::ingest) const fn by_name(&self) -> [(&'static str, Duration); 7] {
        [
            ("splitting", self.reading.splitting),
            ("parsing", self.reading.parsing),
            ("collecting", self.collecting),
            ("packing_origins", self.packing_origins),
            ("packing_destinations", self.packing_destinations),
            ("writing", self.writing),
            ("publishing", self.publishing),
        ]
    }

    /// Number of threads over which parsing is summed.
    pub(in crate::ingest) const fn parsers(&self) -> usize {
        self.reading.parsers
    }
}

/// Measures how long a stage is at work.
#[derive(Debug, Default)]
pub(super) struct Stopwatch {
    total: Duration,
    since: Option<Instant>,
}

impl Stopwatch {
    /// A stopwatch that runs.
    pub(super) fn started() -> Self {
        Self {
            total: Duration::ZERO,
            since: Some(Instant::now()),
        }
    }

    /// Starts or stops.
    pub(super) fn run(&mut self, runs: bool) {
        match self.since {
            None if runs => self.since = Some(Instant::now()),
            Some(since) if !runs => {
                self.total += since.elapsed();
                self.since = None;
            }
            _ => {}
        }
    }

    /// Stops while there is something to wait for.
    pub(super) fn pause<T>(&mut self, wait: impl FnOnce() -> T) -> T {
        self.run(false);
        let outcome = wait();
        self.run(true);
        outcome
    }

    /// The time at work so far.
    pub(super) fn elapsed(&self) -> Duration {
        self.total + self.since.map_or(Duration::ZERO, |since| since.elapsed())
    }
}
