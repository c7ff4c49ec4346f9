//! `tripgraph serve`: runs the server.

use std::process::ExitCode;

use anyhow::Context;
use tokio::net::TcpListener;

use super::Log;
use super::backend::{Backend, interrupted};
use crate::analytics::Answers;
use crate::config::{DatabaseConfig, ServerConfig};
use crate::graphql::{Limits, Services};
use crate::http::{self, AppState, HttpSettings, Shutdown, Tokens};

pub(super) async fn run(
    database: DatabaseConfig,
    server: ServerConfig,
    log: Log,
) -> anyhow::Result<ExitCode> {
    log.init()?;
    server.check()?;
    let (tokens, base_map) = (server.tokens()?, server.base_map()?);
    // Bound first, so that a port in use is reported before a long start.
    let listener = TcpListener::bind(server.listen)
        .await
        .with_context(|| format!("cannot listen on {}", server.listen))?;
    let address = listener.local_addr().context("cannot read the address")?;
    let backend = Backend::start(&database, true).await?;

    let shutdown = Shutdown::default();
    let query_timeout = server.query_timeout();
    let settings = HttpSettings {
        max_upload_bytes: server.max_upload_bytes,
        max_connections: max_connections(),
        base_map,
        allowed_hosts: server.allowed_hosts(address),
        tokens: Tokens::new(tokens),
        ..HttpSettings::default()
    };
    let services = Services {
        ingestions: backend.ingestions.clone(),
        store: backend.store.clone(),
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
    let router = http::router(AppState::new(services, settings.clone(), shutdown.clone()));
    let request = shutdown.clone();
    tokio::spawn(async move {
        if let Err(error) = interrupted().await {
            tracing::error!(%error, "cannot wait for signals");
        }
        tracing::info!("shutting down");
        request.request();
    });

    tracing::info!(%address, "listening: GraphiQL is at http://{address}/graphiql");
    http::serve(listener, router, shutdown, &settings)
        .await
        .context("cannot serve")?;
    backend.stop().await?;
    Ok(ExitCode::SUCCESS)
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
