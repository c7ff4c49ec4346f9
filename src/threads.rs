//! Priorities of threads.

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
