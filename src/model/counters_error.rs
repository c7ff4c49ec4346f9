/// Why counters could not be read or subtracted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CountersError {
    /// The bytes are no packed counters.
    #[error("packed counters are corrupt at byte {0}")]
    Corrupt(usize),
    /// More was to be taken off a counter than it holds.
    #[error("counter {key} holds {held}, less than the {taken} to be taken off")]
    Underflow {
        /// The counter's key.
        key: u32,
        /// Its count, 0 where there is none.
        held: u64,
        /// What was to be taken off.
        taken: u64,
    },
}
