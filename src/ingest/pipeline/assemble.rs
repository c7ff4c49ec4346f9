//! Assembles what the writer gets into blocks, each of which is written in one transaction.

use std::collections::BTreeMap;

use super::delivery::{BatchEnd, Delivery, PackedPatches};
use crate::model::TripEnd;
use crate::store::{LoadBlock, PatchRow};

/// Batches of which something is to come.
///
/// The last patches of both trip ends and the end of the batch arrive in any order. They are one
/// block, which has the checkpoint.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    batches: BTreeMap<u32, Ending>,
}

/// What has arrived of the last block of a batch.
#[derive(Debug, Default)]
struct Ending {
    origins: Option<Vec<PatchRow>>,
    destinations: Option<Vec<PatchRow>>,
    end: Option<BatchEnd>,
}

impl Assembly {
    /// The block that a delivery completes. One with a checkpoint must be written after all before
    /// it.
    pub(super) fn add(&mut self, delivery: Delivery) -> Option<LoadBlock> {
        match delivery {
            Delivery::Notes(notes) => Some(LoadBlock {
                notes: Some(notes),
                ..LoadBlock::default()
            }),
            Delivery::Patches(packed) if !packed.is_last => Some(LoadBlock {
                batch: packed.batch,
                patches: packed.patches,
                ..LoadBlock::default()
            }),
            Delivery::Patches(PackedPatches {
                end,
                batch,
                patches,
                ..
            }) => {
                let ending = self.batches.entry(batch).or_default();
                match end {
                    TripEnd::Origin => ending.origins = Some(patches),
                    TripEnd::Destination => ending.destinations = Some(patches),
                }
                self.complete(batch)
            }
            Delivery::BatchEnd(end) => {
                let batch = end.batch;
                self.batches.entry(batch).or_default().end = Some(end);
                self.complete(batch)
            }
        }
    }

    /// The last block of a batch, if all of it has arrived.
    fn complete(&mut self, batch: u32) -> Option<LoadBlock> {
        match self.batches.remove(&batch)? {
            Ending {
                origins: Some(mut patches),
                destinations: Some(destinations),
                end: Some(end),
            } => {
                patches.extend(destinations);
                Some(LoadBlock {
                    batch,
                    notes: Some(end.notes),
                    patches,
                    checkpoint: Some(end.checkpoint),
                })
            }
            incomplete => {
                self.batches.insert(batch, incomplete);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Patch;
    use crate::store::Checkpoint;
    use crate::store::Notes;

    fn patches(end: TripEnd, batch: u32, cell: u64, is_last: bool) -> Delivery {
        let patch = Patch::default();
        Delivery::Patches(PackedPatches {
            end,
            batch,
            patches: vec![PatchRow { end, cell, patch }],
            is_last,
        })
    }

    fn batch_end(batch: u32) -> Delivery {
        Delivery::BatchEnd(BatchEnd {
            batch,
            checkpoint: Checkpoint {
                batches: batch + 1,
                ..Checkpoint::default()
            },
            notes: Notes::default(),
        })
    }

    #[test]
    fn a_checkpoint_waits_for_both_ends() {
        let origins = |batch| patches(TripEnd::Origin, batch, 2, true);
        let destinations = |batch| patches(TripEnd::Destination, batch, 1, true);
        let orders: [[&dyn Fn(u32) -> Delivery; 3]; 6] = [
            [&origins, &destinations, &batch_end],
            [&origins, &batch_end, &destinations],
            [&destinations, &origins, &batch_end],
            [&destinations, &batch_end, &origins],
            [&batch_end, &origins, &destinations],
            [&batch_end, &destinations, &origins],
        ];
        for [first, second, third] in orders {
            let mut assembly = Assembly::default();
            assert!(assembly.add(first(0)).is_none());
            // One end may be a batch ahead.
            assert!(assembly.add(first(1)).is_none());
            assert!(assembly.add(second(0)).is_none());
            let early = assembly.add(patches(TripEnd::Origin, 1, 3, false)).unwrap();
            assert_eq!((early.batch, early.checkpoint), (1, None));
            let last = assembly.add(third(0)).unwrap();
            assert_eq!((last.batch, last.checkpoint.unwrap().batches), (0, 1));
            let cells: Vec<_> = last.patches.iter().map(|row| row.cell).collect();
            assert_eq!(cells, [2, 1]);
            assert!(assembly.add(third(1)).is_none());
            assert_eq!(assembly.add(second(1)).unwrap().batch, 1);
            assert!(assembly.batches.is_empty());
        }
    }

    #[test]
    fn rejected_rows_of_a_failed_ingestion_are_a_block() {
        let row = crate::model::RejectedRow {
            line: 2,
            column: None,
            reason: String::new(),
            raw: String::new(),
        };
        let block = Assembly::default()
            .add(Delivery::Notes(Notes {
                rejected: vec![row],
                ..Notes::default()
            }))
            .unwrap();
        assert_eq!(block.notes.unwrap().rejected.len(), 1);
        assert_eq!(block.checkpoint, None);
    }
}
