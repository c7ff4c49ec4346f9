//! `tripgraph serve`: runs the server.

use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::{Context, anyhow, ensure};
use chrono::{DateTime, Utc};
use tokio::net::TcpListener;

use super::Log;
use super::backend::{Backend, Purpose, interrupted};
use super::format::FormatArgs;
use super::server_note::{self, ServerNote};
use crate::analytics::{Answers, ZoneSets, summaries};
use crate::clock;
use crate::config::{DatabaseConfig, ServerConfig, WorkerConfig};
use crate::graphql::{Limits, Services};
use crate::http::{self, AppState, HttpSettings, Shutdown, Tokens};
use crate::ingest::parse::FileOptions;
use crate::ingest::{Fetcher, IngestOptions};

pub(super) async fn run(
    database: DatabaseConfig,
    worker: WorkerConfig,
    server: ServerConfig,
    format: &FormatArgs,
    log: Log,
) -> anyhow::Result<ExitCode> {
    let telemetry = log.init(&database)?;
    server.check()?;
    let watched = IngestOptions {
        format: format.format(),
        locations: format.locations()?.map(|list| list.locations),
        ..IngestOptions::default()
    };
    FileOptions::new(&watched.format, "")?;
    if server.watch.is_none() && watched != IngestOptions::default() {
        tracing::warn!("the options of the format are for --watch: without it, nothing reads them");
    }
    check_clock(clock::now())?;
    let (mut tokens, base_map) = (server.tokens()?, server.base_map()?);
    // Bound first, so that a port in use is reported before a long start.
    let listener = TcpListener::bind(server.listen)
        .await
        .map_err(|error| cannot_listen(server.listen, error))?;
    let address = listener.local_addr().context("cannot read the address")?;
    let mut backend = Backend::start(&database, worker, Purpose::Serve).await?;
    backend.store = backend.store.with_replicas(server.read_urls())?;
    let trips = summaries(&backend.store).await?.trips();
    let note = ServerNote::new(address, &mut tokens);

    let shutdown = Shutdown::default();
    let query_timeout = server.query_timeout();
    let settings = HttpSettings {
        max_upload_bytes: server.max_upload_bytes,
        max_connections: max_connections(),
        base_map,
        allowed_hosts: server.allowed_hosts(address),
        cors_origins: server.cors_origins.clone(),
        public_url: server.public_url.clone(),
        tokens: Tokens::new(tokens),
        min_trips: server.min_trips(),
        ..HttpSettings::default()
    };
    let prefixes = server.allow_url_prefixes.clone();
    let fetcher =
        Fetcher::new(prefixes, server.max_upload_bytes).context("cannot set up downloads")?;
    let services = Services {
        ingestions: backend.ingestions.clone(),
        fetcher,
        store: backend.store.clone(),
        zones: ZoneSets::new(backend.store.clone()),
        // The remaining sixth of the time-out is for computing the answer.
        answers: Answers::with_timeout(
            backend.store.clone(),
            server.cache_bytes,
            query_timeout * 5 / 6,
        ),
        limits: Limits {
            query_timeout,
            ..Limits::default()
        },
    };
    let state = AppState::new(services, settings.clone(), shutdown.clone());
    let measured = state.clone();
    let metrics = telemetry.export_metrics(move || {
        let state = measured.clone();
        async move { state.metrics_text().await.ok() }
    });
    let router = http::router(state);
    let request = shutdown.clone();
    tokio::spawn(async move {
        if let Err(error) = interrupted().await {
            tracing::error!(%error, "cannot wait for signals");
        }
        tracing::info!("shutting down");
        request.request();
    });

    if let Some(folder) = &server.watch {
        backend.ingestions.watch_folder(folder, watched).await?;
    }
    if let Err(error) = note.write(&database.address()) {
        tracing::warn!(%error, "cannot write the server file next to the database: `ingest` needs --server");
    }
    tracing::info!(
        trips,
        database = %database.address().shown(),
        data_dir = %database.data_dir().display(),
        "listening: GraphiQL is at http://{address}/graphiql"
    );
    http::serve(listener, router, shutdown, &settings)
        .await
        .context("cannot serve")?;
    metrics.finish().await;
    if let Err(error) = server_note::remove(&database.address()) {
        tracing::warn!(%error, "cannot remove the server file next to the database");
    }
    backend.stop().await?;
    Ok(ExitCode::SUCCESS)
}

/// Refuses times that HTTP has no date for: hyper would abort every connection.
fn check_clock(now: DateTime<Utc>) -> anyhow::Result<()> {
    ensure!(
        now >= DateTime::UNIX_EPOCH,
        "the system clock says {now}, which is before 1970: set the clock"
    );
    Ok(())
}

fn cannot_listen(address: SocketAddr, error: io::Error) -> anyhow::Error {
    if error.kind() == io::ErrorKind::AddrInUse {
        let next = SocketAddr::new(address.ip(), address.port().checked_add(1).unwrap_or(0));
        return anyhow!(
            "cannot listen on {address}: another program uses this port. Stop it, or choose another \
             port, such as --listen {next}"
        );
    }
    anyhow::Error::new(error).context(format!("cannot listen on {address}"))
}

/// Maximum number of simultaneous connections: at most half of the open-file limit; the other half
/// is for the database and the spool.
fn max_connections() -> usize {
    let most = HttpSettings::default().max_connections;
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let files = getrlimit(Resource::Nofile);
        let raised = Rlimit {
            current: files.maximum,
            ..files
        };
        // The initial limit is usually far below the maximum.
        let files = setrlimit(Resource::Nofile, raised).map_or(files, |()| raised);
        let half = files.current.map_or(u64::MAX, |files| files / 2);
        most.min(usize::try_from(half).unwrap_or(most))
    }
    #[cfg(not(target_os = "linux"))]
    most
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_clock_before_1970_is_refused() {
        assert!(check_clock(DateTime::UNIX_EPOCH).is_ok());
        let before = DateTime::UNIX_EPOCH - Duration::from_secs(1);
        let error = check_clock(before).unwrap_err().to_string();
        assert!(error.contains("1969-12-31 23:59:59"), "{error}");
    }
}
