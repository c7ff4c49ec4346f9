//! The log: structured, on standard error.

use std::io::{self, IsTerminal, Write, stderr};

use clap::ValueEnum;
use tracing_subscriber::util::TryInitError;
use tracing_subscriber::{
    EnvFilter, Layer, Registry, fmt, layer::SubscriberExt, util::SubscriberInitExt,
};

use super::Options;
use crate::text::{Printable, escape_json};

/// Layers that are not the log.
pub(super) type OtherLayers = Box<dyn Layer<Registry> + Send + Sync>;

/// Format of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Human-readable lines.
    Text,
    /// One JSON object per line.
    Json,
}

/// Every migration logs two lines at level `info`, which are of no use on the first start. Statements and
/// exported spans are not for the log.
const QUIET: &str = "sea_orm_migration=warn,sqlx::query=off,tripgraph::spans=off";

/// Starts logging to standard error, beside other layers. If the filter has several directives for a
/// target, the last one counts, so it can override `QUIET`.
pub(super) fn start(
    options: &Options<'_>,
    others: Option<OtherLayers>,
) -> Result<(), TryInitError> {
    let filter = || EnvFilter::new(format!("{QUIET},{}", options.filter));
    let format = options.format;
    // A log file has no colours.
    let colours = format == LogFormat::Text && stderr().is_terminal();
    let writer = move || LogWriter { format, colours };
    if let Some(others) = others {
        let registry = tracing_subscriber::registry().with(others);
        let log = fmt::layer().with_writer(writer);
        return match format {
            LogFormat::Text => registry
                .with(log.with_ansi(colours).with_filter(filter()))
                .try_init(),
            LogFormat::Json => registry.with(log.json().with_filter(filter())).try_init(),
        };
    }
    // A filter for all is cheaper than one for each layer.
    let registry = tracing_subscriber::registry().with(filter());
    let log = fmt::layer().with_writer(writer);
    match format {
        LogFormat::Text => registry.with(log.with_ansi(colours)).try_init(),
        LogFormat::Json => registry.with(log.json()).try_init(),
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
