//! Logs, and traces and metrics for OpenTelemetry.
//!
//! The program makes the spans of [`SPANS`] with the macros of `tracing` everywhere. Only the cargo feature
//! `otel` exports them; without it, and without a collector, nobody subscribes to them, and they cost next
//! to nothing.

mod log;
#[cfg(feature = "otel")]
mod otel;
mod settings;
mod trace_parent;

#[cfg(feature = "otel")]
use futures::FutureExt;
use futures::future::BoxFuture;
use reqwest::Client;
use tracing_subscriber::util::TryInitError;

pub use self::log::LogFormat;
use self::settings::Settings;
pub use self::trace_parent::{TraceParent, trace_id};

/// Target of the spans that are exported. The log does not show them.
pub const SPANS: &str = "tripgraph::spans";

/// What is logged and exported.
#[derive(Debug)]
pub struct Options<'a> {
    /// Selects the events of the log, such as `info` or `tripgraph=debug`.
    pub filter: &'a str,
    /// Format of the log.
    pub format: LogFormat,
    /// The database by its name in the semantic conventions of OpenTelemetry.
    pub database: &'static str,
}

/// Telemetry that runs. Dropping it sends what is left, which takes a few seconds at most.
#[derive(Debug)]
#[must_use]
pub struct Telemetry {
    #[cfg(feature = "otel")]
    otel: Option<otel::Otel>,
}

impl Telemetry {
    /// Sends the metrics that `text` returns in the `OpenMetrics` format to the collector, at an interval.
    pub fn export_metrics<T>(&self, text: impl Fn() -> T + Send + 'static) -> MetricsExport
    where
        T: Future<Output = Option<String>> + Send + 'static,
    {
        #[cfg(feature = "otel")]
        {
            let exported = self
                .otel
                .as_ref()
                .and_then(|otel| otel.export_metrics(text));
            MetricsExport {
                finish: exported.map(|exported| exported.finish().boxed()),
            }
        }
        #[cfg(not(feature = "otel"))]
        {
            drop(text);
            MetricsExport { finish: None }
        }
    }
}

/// Metrics that are sent to the collector, if there is one.
#[must_use]
pub struct MetricsExport {
    finish: Option<BoxFuture<'static, ()>>,
}

impl MetricsExport {
    /// Sends the last values, which takes a few seconds at most.
    pub async fn finish(self) {
        if let Some(finish) = self.finish {
            finish.await;
        }
    }
}

/// Starts logging to standard error and, if the environment names a collector, exporting. `client` makes
/// the client that sends to it.
pub fn init(
    options: &Options<'_>,
    client: impl FnOnce() -> reqwest::Result<Client>,
) -> Result<Telemetry, TryInitError> {
    let (settings, problems) = Settings::read(|name| std::env::var(name).ok());
    let telemetry = start(options, settings, client)?;
    for problem in problems {
        tracing::warn!("{problem}");
    }
    Ok(telemetry)
}

#[cfg(feature = "otel")]
fn start(
    options: &Options<'_>,
    settings: Settings,
    client: impl FnOnce() -> reqwest::Result<Client>,
) -> Result<Telemetry, TryInitError> {
    let started = settings
        .is_on()
        .then(|| otel::Otel::start(settings, client));
    let (otel, error) = match started.transpose() {
        Ok(otel) => (otel, None),
        Err(error) => (None, Some(error)),
    };
    log::start(
        options,
        otel.as_ref().and_then(|otel| otel.layers(options.database)),
    )?;
    if let Some(error) = error {
        tracing::warn!(%error, "cannot send traces and metrics to the OpenTelemetry collector");
    }
    Ok(Telemetry { otel })
}

#[cfg(not(feature = "otel"))]
fn start(
    options: &Options<'_>,
    settings: Settings,
    _client: impl FnOnce() -> reqwest::Result<Client>,
) -> Result<Telemetry, TryInitError> {
    log::start(options, None)?;
    if settings.is_on() {
        tracing::warn!(
            "OTEL_EXPORTER_OTLP_ENDPOINT is set, but this program was built without the cargo feature \
             `otel`, and sends nothing. Build it with `cargo build --release --features otel`, or use a \
             published binary, image or wheel"
        );
    }
    Ok(Telemetry {})
}
