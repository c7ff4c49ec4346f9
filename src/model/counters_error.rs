/// An error of reading or subtracting counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CountersError {
    /// The bytes are not packed counters.
    #[error("packed counters are corrupt at byte {0}")]
    Corrupt(usize),
    /// A counter would become negative.
    #[error("counter {key} is {held}, so {taken} cannot be subtracted")]
    Underflow {
        /// The key of the counter.
        key: u32,
        /// Its count; 0 if it does not exist.
        held: u64,
        /// The count to subtract.
        taken: u64,
    },
}
