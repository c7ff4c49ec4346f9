use std::thread;

use super::PipelineError;
use crate::threads::step_back;

/// Runs long work on a thread of its own, which steps back behind those that answer questions; so
/// do the threads that it starts.
pub(super) async fn in_background<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, PipelineError> {
    let (sender, done) = tokio::sync::oneshot::channel();
    let work = move || {
        step_back();
        // Nobody waits any more where the program ends.
        let _ = sender.send(work());
    };
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map_err(PipelineError::Thread)?;
    done.await.map_err(|_| PipelineError::Panicked)
}
