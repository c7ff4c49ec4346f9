//! What the writer gets.

use crate::model::TripEnd;
use crate::store::{Checkpoint, Notes, PatchRow};

/// A message to the writer.
#[derive(Debug)]
pub(super) enum Delivery {
    /// From a packer.
    Patches(PackedPatches),
    /// From the collector.
    BatchEnd(BatchEnd),
    /// Those of an ingestion that fails.
    Notes(Notes),
}

/// Patches of one kind of trip ends of a batch.
#[derive(Debug)]
pub(super) struct PackedPatches {
    pub(super) end: TripEnd,
    /// The number of the batch, from 0.
    pub(super) batch: u32,
    pub(super) patches: Vec<PatchRow>,
    /// Whether they are the last of that end and batch; there may be none of them then.
    pub(super) is_last: bool,
}

/// What is written with the last patches of a batch.
#[derive(Debug)]
pub(super) struct BatchEnd {
    /// The number of the batch, from 0.
    pub(super) batch: u32,
    /// What is reached then.
    pub(super) checkpoint: Checkpoint,
    pub(super) notes: Notes,
}
