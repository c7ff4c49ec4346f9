//! Structured logs.

use std::io::{self, IsTerminal, Write, stderr};

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::TryInitError;
use tracing_subscriber::{fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::text::{Printable, escape_json};

/// Format of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Human-readable lines.
    Text,
    /// One JSON object per line.
    Json,
}

/// Every migration logs two lines at level `info`, which are of no use on the first start.
const QUIET: &str = "sea_orm_migration=warn";

/// Starts logging to standard error. `filter` selects the events, such as `info` or
/// `tripgraph=debug`. If it has several directives for a target, the last one counts, so it can
/// override `QUIET`.
pub fn init(filter: &str, format: LogFormat) -> Result<(), TryInitError> {
    let registry = tracing_subscriber::registry().with(EnvFilter::new(format!("{QUIET},{filter}")));
    // A log file has no colours.
    let colours = format == LogFormat::Text && stderr().is_terminal();
    let writer = move || LogWriter { format, colours };
    match format {
        LogFormat::Text => registry
            .with(fmt::layer().with_writer(writer).with_ansi(colours))
            .try_init(),
        LogFormat::Json => registry
            .with(fmt::layer().json().with_writer(writer))
            .try_init(),
    }
}

/// Writes each event to standard error as one line of printable characters, since an event may
/// quote untrusted text.
#[derive(Debug, Clone, Copy)]
struct LogWriter {
    format: LogFormat,
    /// The layer colours its lines. It removes escape characters from the text that it quotes, so
    /// the remaining ones are its own.
    colours: bool,
}

impl LogWriter {
    fn printable(self, event: &str) -> String {
        let line = event.strip_suffix('\n').unwrap_or(event);
        let mut line = match self.format {
            LogFormat::Json => escape_json(line),
            LogFormat::Text if self.colours => {
                let parts: Vec<_> = line
                    .split('\x1b')
                    .map(|p| Printable(p).to_string())
                    .collect();
                parts.join("\x1b")
            }
            LogFormat::Text => Printable(line).to_string(),
        };
        line.push('\n');
        line
    }
}

impl Write for LogWriter {
    /// Writes one event: the layer passes a whole event to each call.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let line = self.printable(&String::from_utf8_lossy(event));
        stderr().write_all(line.as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        stderr().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_a_line_of_printable_characters() {
        let printable = |format, colours, event| LogWriter { format, colours }.printable(event);
        let event = "INFO a\nb\r\u{9b}2J\u{202e}\n";
        let line = "INFO a<U+000A>b<U+000D><U+009B>2J<U+202E>\n";
        assert_eq!(printable(LogFormat::Text, false, event), line);
        assert_eq!(
            printable(LogFormat::Text, true, "\x1b[32mINFO\x1b[0m a\r\n"),
            "\x1b[32mINFO\x1b[0m a<U+000D>\n"
        );
        assert_eq!(
            printable(LogFormat::Json, false, "{\"a\":\"\u{9b}\"}\n"),
            "{\"a\":\"\\u009b\"}\n"
        );
    }
}
