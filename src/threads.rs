//! Priorities of threads.

/// How far long work steps back: its threads get a third of the processor share of those that
/// have not stepped back, where both want the processor.
#[cfg(target_os = "linux")]
const STEPS_BACK: i32 = 5;

/// Lowers the priority of this thread, and of the threads that it starts from now on, behind those
/// that answer cheap questions and receive uploads.
pub(crate) fn step_back() {
    // Elsewhere, the priority is that of the whole program.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(STEPS_BACK) {
        tracing::debug!(%error, "cannot lower the priority of a thread");
    }
}
