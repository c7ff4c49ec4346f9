//! Threads that step back.

use super::error::PipelineError;
use crate::threads::{self, ThreadError};

/// Runs long work on a thread of its own, which steps back behind those that answer questions; so
/// do the threads that it starts.
pub(super) async fn in_background<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, PipelineError> {
    let done = threads::in_background(name, work).await;
    done.map_err(|error| match error {
        ThreadError::Start(error) => PipelineError::Thread(error),
        ThreadError::Panicked => PipelineError::Panicked,
    })
}
