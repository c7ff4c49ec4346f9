//! The progress of the trips that are written to the table `trip`, for SQL.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use futures::StreamExt;
use indicatif::{HumanCount, ProgressBar, ProgressStyle};

use crate::ingest::Ingestions;

/// What takes less time is not worth a word.
const QUIET: Duration = Duration::from_secs(1);
/// Interval between progress lines where standard error is not a terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Shows how trips become rows, until all are.
pub(super) async fn follow(ingestions: &Ingestions) {
    let start = Instant::now();
    let mut display: Option<Display> = None;
    let mut progress = ingestions.sql_trips();
    let mut written = 0;
    while let Some(now) = progress.next().await {
        written = now.written;
        if start.elapsed() >= QUIET && now.missing > 0 {
            let display = display.get_or_insert_with(Display::new);
            display.show(written, written + now.missing);
        }
    }
    if let Some(display) = display {
        display.clear();
        let seconds = start.elapsed().as_secs_f64();
        eprintln!(
            "SQL: {} trips written to the table trip in {seconds:.1} s",
            HumanCount(written)
        );
    }
}

/// A progress bar on a terminal, plain lines elsewhere.
enum Display {
    Bar(ProgressBar),
    Lines(Option<Instant>),
}

impl Display {
    fn new() -> Self {
        if !std::io::stderr().is_terminal() {
            return Self::Lines(None);
        }
        let bar = ProgressBar::new(0);
        let style = ProgressStyle::with_template("SQL: {percent} %, {msg}\n{wide_bar}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self::Bar(bar)
    }

    fn show(&mut self, written: u64, all: u64) {
        let message = format!(
            "{} of {} trips written to the table trip; Ctrl-C leaves the others for later",
            HumanCount(written),
            HumanCount(all)
        );
        match self {
            Self::Bar(bar) => {
                bar.set_length(all);
                bar.set_position(written);
                bar.set_message(message);
            }
            Self::Lines(last) => {
                if last.is_none_or(|last| last.elapsed() >= LINE_EVERY) {
                    eprintln!("SQL: {message}");
                    *last = Some(Instant::now());
                }
            }
        }
    }

    fn clear(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}
