//! The progress of ingestions: a bar on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use indicatif::{
    HumanBytes, HumanCount, HumanDuration, HumanFloatCount, MultiProgress, ProgressBar,
    ProgressStyle,
};

use crate::model::{Ingestion, IngestionPhase};
use crate::text::Printable;

/// Interval between progress lines where standard error is not a terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// Steps of the bar of one ingestion.
const BAR_LENGTH: u64 = 1_000;

/// Rows per second, rounded.
pub(super) fn rate(ingestion: &Ingestion) -> String {
    HumanFloatCount(ingestion.rows_per_second.unwrap_or(0.0).round()).to_string()
}

/// The progress of one ingestion.
pub(super) enum Display {
    Bar(ProgressBar),
    Lines(Instant),
}

impl Display {
    pub(super) fn new(ingestion: &Ingestion) -> Self {
        match bar(BAR_LENGTH, "{prefix}: {percent} %, {msg}\n{wide_bar}") {
            None => Self::Lines(Instant::now()),
            Some(bar) => {
                bar.set_prefix(Printable(&ingestion.source).to_string());
                Self::Bar(bar)
            }
        }
    }

    pub(super) fn show(&mut self, ingestion: &Ingestion) {
        let left = ingestion.eta_seconds.map_or_else(String::new, |seconds| {
            format!(", {} left", HumanDuration(Duration::from_secs_f64(seconds)))
        });
        let doing = match ingestion.phase {
            Some(IngestionPhase::Publishing) => "publishing".to_owned(),
            _ => format!("{} rows/s", rate(ingestion)),
        };
        let message = format!(
            "{} read, {} rows, {} rejected, {doing}{left}",
            HumanBytes(ingestion.bytes_read),
            HumanCount(ingestion.rows_read),
            HumanCount(ingestion.rows_rejected),
        );
        let percent = ingestion.percent().unwrap_or(0.0);
        match self {
            Self::Bar(bar) => {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "from 0 to the bar's length"
                )]
                bar.set_position((percent / 100.0 * BAR_LENGTH as f64) as u64);
                bar.set_message(message);
            }
            Self::Lines(last) => {
                if last.elapsed() >= LINE_EVERY {
                    eprintln!(
                        "{}: {percent:.0} %, {message}",
                        Printable(&ingestion.source)
                    );
                    *last = Instant::now();
                }
            }
        }
    }

    pub(super) fn clear(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

/// The progress of many files in one step, such as their upload.
pub(super) struct FilesDisplay {
    /// What is done with them.
    step: &'static str,
    files: u64,
    done: u64,
    bar: Option<ProgressBar>,
    last_line: Instant,
}

impl FilesDisplay {
    pub(super) fn new(step: &'static str, files: usize) -> Self {
        let files = files as u64;
        Self {
            step,
            files,
            done: 0,
            bar: bar(files, "{msg}\n{wide_bar}"),
            last_line: Instant::now(),
        }
    }

    /// One more file is done.
    pub(super) fn advance(&mut self) {
        self.done += 1;
        let message = format!(
            "{} of {} files {}",
            HumanCount(self.done),
            HumanCount(self.files),
            self.step
        );
        if let Some(bar) = &self.bar {
            bar.set_position(self.done);
            bar.set_message(message);
        } else if self.last_line.elapsed() >= LINE_EVERY {
            eprintln!("{message}");
            self.last_line = Instant::now();
        }
    }

    pub(super) fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// The progress of the download of one file. It disappears when it is dropped.
pub(super) struct DownloadDisplay {
    name: String,
    bytes_total: Option<u64>,
    bytes: u64,
    bar: Option<ProgressBar>,
    last_line: Instant,
}

impl DownloadDisplay {
    pub(super) fn new(name: String, bytes_total: Option<u64>) -> Self {
        Self {
            name,
            bytes_total,
            bytes: 0,
            bar: bar(bytes_total.unwrap_or(0), "{msg}\n{wide_bar}"),
            last_line: Instant::now(),
        }
    }

    /// Counts bytes that have arrived.
    pub(super) fn advance(&mut self, bytes: u64) {
        self.bytes += bytes;
        if let Some(bar) = &self.bar {
            bar.set_position(self.bytes);
            bar.set_message(self.message());
        } else if self.last_line.elapsed() >= LINE_EVERY {
            eprintln!("{}", self.message());
            self.last_line = Instant::now();
        }
    }

    fn message(&self) -> String {
        let of = self
            .bytes_total
            .map_or_else(String::new, |bytes| format!(" of {}", HumanBytes(bytes)));
        format!("{}: {}{of} downloaded", self.name, HumanBytes(self.bytes))
    }
}

impl Drop for DownloadDisplay {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// All bars, below one another: that of the files, and that of a download.
static BARS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// A bar, if standard error is a terminal.
fn bar(length: u64, template: &str) -> Option<ProgressBar> {
    if !std::io::stderr().is_terminal() {
        return None;
    }
    let bar = BARS.add(ProgressBar::new(length));
    let style = ProgressStyle::with_template(template);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    Some(bar)
}
