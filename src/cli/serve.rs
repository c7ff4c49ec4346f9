//! `tripgraph serve`: the server.

use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use tokio::net::TcpListener;

use super::Log;
use super::engine::{Engine, interrupted};
use crate::analytics::{Answers, summaries};
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
    // Bound first: a port that is taken is noticed before a long start.
    let listener = TcpListener::bind(server.listen)
        .await
        .map_err(|error| cannot_listen(server.listen, error))?;
    let address = listener.local_addr().context("cannot tell the address")?;
    let engine = Engine::start(&database, true).await?;
    let trips = summaries(&engine.store).await?.trips();

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
        ingestions: engine.ingestions.clone(),
        store: engine.store.clone(),
        // The rest of the time-out is for the answer itself.
        answers: Answers::with_patience(
            engine.store.clone(),
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

    tracing::info!(
        trips,
        database = %database.address().shown(),
        data_dir = %database.data_dir().display(),
        "listening: GraphiQL is at http://{address}/graphiql"
    );
    http::serve(listener, router, shutdown, &settings)
        .await
        .context("cannot serve")?;
    engine.stop().await?;
    Ok(ExitCode::SUCCESS)
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

/// Connections at the same time at most: half of the files that may be open, the other half of
/// which are for the database and the spool.
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
        // Most systems allow far more than they begin with.
        let files = setrlimit(Resource::Nofile, raised).map_or(files, |()| raised);
        let half = files.current.map_or(u64::MAX, |files| files / 2);
        most.min(usize::try_from(half).unwrap_or(most))
    }
    #[cfg(not(target_os = "linux"))]
    most
}
