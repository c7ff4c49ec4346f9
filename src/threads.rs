//! Threads that do long work, and their priorities.

use std::{io, thread};

/// Niceness of threads that do long work: on a busy processor, such a thread gets a third of the
/// share of a thread with normal priority.
#[cfg(target_os = "linux")]
const STEPS_BACK: i32 = 5;

/// Lowers the priority of this thread, and of the threads that it starts from now on, below that of
/// threads that answer cheap questions or receive uploads.
pub(crate) fn step_back() {
    // On other systems, the priority applies to the whole program.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(STEPS_BACK) {
        tracing::debug!(%error, "cannot lower the priority of a thread");
    }
}

/// Why work on a thread of its own has no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ThreadError {
    #[error("cannot start a thread: {0}")]
    Start(#[source] io::Error),
    #[error("a thread panicked")]
    Panicked,
}

/// Runs long work on a thread of its own, which steps back; so do the threads that it starts.
pub(crate) async fn in_background<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ThreadError> {
    let (sender, done) = tokio::sync::oneshot::channel();
    let work = move || {
        step_back();
        // Nobody waits any more where the program ends.
        let _ = sender.send(work());
    };
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map_err(ThreadError::Start)?;
    done.await.map_err(|_| ThreadError::Panicked)
}
