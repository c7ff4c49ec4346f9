use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::HttpSettings;
use super::connection::{Activity, Connection};

/// Requests a shutdown from all parts of the server, and tracks those that have not ended.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    requested: CancellationToken,
    tasks: TaskTracker,
}

impl Shutdown {
    /// Begins the shutdown.
    pub fn request(&self) {
        self.requested.cancel();
    }

    /// Whether the shutdown has begun.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.requested.is_cancelled()
    }

    /// Waits until the shutdown begins.
    pub async fn requested(&self) {
        self.requested.cancelled().await;
    }

    /// A token that the shutdown waits for until it is dropped.
    pub(super) fn busy(&self) -> TaskTrackerToken {
        self.tasks.token()
    }
}

/// Serves HTTP/1.1 until the shutdown is requested, then lets running requests finish and closes
/// every WebSocket, for as long as the settings allow.
///
/// Replaces `axum::serve`, which limits neither the number of connections nor the time for headers.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: Shutdown,
    settings: &HttpSettings,
) -> io::Result<()> {
    let router = TowerToHyperService::new(router);
    let settings = Arc::new(settings.clone());
    let permits = Arc::new(Semaphore::new(settings.max_connections));
    let connections = TaskTracker::new();
    loop {
        let (permit, socket) = tokio::select! {
            accepted = accept(&listener, &permits) => accepted?,
            () = shutdown.requested() => break,
        };
        let activity = Activity::new();
        let socket = Connection::new(socket, permit, activity.clone(), &settings);
        let service = {
            let (router, activity) = (router.clone(), activity.clone());
            service_fn(move |request: Request<Incoming>| {
                let (answer, busy) = (router.call(request), activity.busy());
                async move { answer.await.map(|answer| busy.until_sent(answer)) }
            })
        };
        let mut http = http1::Builder::new();
        // `Activity` distinguishes idle connections from slow headers, which hyper does not.
        http.header_read_timeout(None);
        let connection = http
            .serve_connection(TokioIo::new(socket), service)
            .with_upgrades();
        let (settings, shutdown) = (Arc::clone(&settings), shutdown.clone());
        connections.spawn(async move {
            let overdue = activity.overdue(&settings);
            tokio::pin!(connection, overdue);
            let mut is_last_request = false;
            loop {
                tokio::select! {
                    outcome = connection.as_mut() => {
                        if let Err(error) = outcome {
                            tracing::debug!(%error, "connection failed");
                        }
                        return;
                    }
                    reason = overdue.as_mut() => {
                        tracing::debug!(reason, "connection timed out");
                        return;
                    }
                    () = shutdown.requested(), if !is_last_request => {
                        is_last_request = true;
                        connection.as_mut().graceful_shutdown();
                    }
                }
            }
        });
    }
    drop(listener);
    let finished = async {
        connections.close();
        connections.wait().await;
        shutdown.tasks.close();
        shutdown.tasks.wait().await;
    };
    if tokio::time::timeout(settings.drain, finished)
        .await
        .is_err()
    {
        tracing::warn!("shutdown time-out reached: remaining requests were aborted");
    }
    Ok(())
}

/// Waits until the number of connections is below its limit, then accepts the next one.
async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> io::Result<(OwnedSemaphorePermit, TcpStream)> {
    if permits.available_permits() == 0 {
        tracing::warn!("connection limit reached: new connections wait");
    }
    let permit = Arc::clone(permits).acquire_owned().await;
    let permit = permit.map_err(io::Error::other)?;
    loop {
        match listener.accept().await {
            Ok((socket, _)) => {
                // Small WebSocket frames should be sent without delay.
                if let Err(error) = socket.set_nodelay(true) {
                    tracing::debug!(%error, "cannot set TCP_NODELAY");
                }
                return Ok((permit, socket));
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                // For example too many open files, which may be temporary.
                tracing::error!(%error, "cannot accept connections");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}
