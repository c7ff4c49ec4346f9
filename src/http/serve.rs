use std::io;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::HttpSettings;

/// Tells every part of the server to come to an end, and knows which have not.
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

    /// Whether it has begun.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.requested.is_cancelled()
    }

    /// Waits until it begins.
    pub async fn requested(&self) {
        self.requested.cancelled().await;
    }

    /// Something that the shutdown waits for while the token lives.
    pub(super) fn busy(&self) -> TaskTrackerToken {
        self.tasks.token()
    }
}

/// Serves until the shutdown is requested, then lets requests that run come to their end and closes
/// every WebSocket, for as long as the settings allow.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: Shutdown,
    settings: &HttpSettings,
) -> io::Result<()> {
    let listener = listener.tap_io(|connection| {
        // Small frames of a WebSocket should not wait for larger ones.
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY");
        }
    });
    let requested = shutdown.requested.clone();
    let server = axum::serve(listener, router).with_graceful_shutdown(requested.cancelled_owned());
    let drained = async {
        shutdown.requested().await;
        tokio::time::sleep(settings.drain).await;
    };
    tokio::select! {
        outcome = async {
            server.await?;
            shutdown.tasks.close();
            shutdown.tasks.wait().await;
            Ok(())
        } => outcome,
        () = drained => {
            tracing::warn!("requests were cut off by the shutdown");
            Ok(())
        }
    }
}
