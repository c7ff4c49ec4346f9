use std::thread;

use super::PipelineError;

/// By how much questions go before, where both want the processor: a third of the share of a thread
/// that has not stepped back.
#[cfg(target_os = "linux")]
const STEPS_BACK: i32 = 5;

/// Runs long work on a thread of its own, which steps back behind those that answer questions; so
/// do the threads that it starts.
pub(super) async fn in_background<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, PipelineError> {
    let (sender, done) = tokio::sync::oneshot::channel();
    let work = move || {
        // Elsewhere it would be the whole program that steps back.
        #[cfg(target_os = "linux")]
        if let Err(error) = rustix::process::nice(STEPS_BACK) {
            tracing::debug!(%error, "an ingestion does not step back behind questions");
        }
        // Nobody waits any more where the program ends.
        let _ = sender.send(work());
    };
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map_err(PipelineError::Thread)?;
    done.await.map_err(|_| PipelineError::Panicked)
}
