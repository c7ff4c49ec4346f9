//! Batches: about 3 million trips, whose ends of one place form one patch. They are packed in
//! portions, since unpacked trips take more memory. Origins and destinations are packed apart.

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::sync::LazyLock;
use std::{mem, thread};

use super::portion::{Portion, Share};
use crate::model::{Patch, PatchTrip, TripEnd, TripKey};
use crate::store::{PatchRow, TripRow};

/// Portions in a batch.
pub(super) const BATCH_PORTIONS: usize = 3;

/// Threads that pack the trip ends of one kind, and so the shares of a portion. Most cores parse: a thread
/// packs trips faster than a core parses them.
static SHARES: LazyLock<usize> = LazyLock::new(|| {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    (cores / 4).clamp(1, 4)
});

/// The packed trip ends of one kind of a batch.
#[derive(Debug)]
pub(super) struct Batch {
    end: TripEnd,
    /// The patches by cell.
    patches: BTreeMap<u64, Patch>,
}

impl Batch {
    /// An empty batch of one kind of trip ends.
    pub(super) const fn new(end: TripEnd) -> Self {
        Self {
            end,
            patches: BTreeMap::new(),
        }
    }

    /// The kind of its trip ends.
    pub(super) const fn end(&self) -> TripEnd {
        self.end
    }

    /// Packs the trip ends of a portion and adds them.
    pub(super) fn add(&mut self, portion: &Portion) {
        self.add_in_shares(portion, *SHARES);
    }

    /// Packs them by as many threads as there are shares, this one included.
    fn add_in_shares(&mut self, portion: &Portion, shares: usize) {
        let end = self.end;
        let sorted = portion.sorted(end);
        let shares = sorted.shares(shares);
        let Some((first, others)) = shares.split_first() else {
            return;
        };
        thread::scope(|scope| {
            let packing: Vec<_> = others
                .iter()
                .map(|share| {
                    let pack = move || packed(end, share);
                    thread::Builder::new()
                        .spawn_scoped(scope, pack)
                        .map_err(|_| share)
                })
                .collect();
            pack_share(end, first, |cell, trips| {
                self.patches.entry(cell).or_default().add(end, trips);
            });
            for packing in packing {
                let patches = match packing {
                    Ok(packing) => packing.join().unwrap_or_else(|panic| resume_unwind(panic)),
                    // There was no thread.
                    Err(share) => packed(end, share),
                };
                for (cell, patch) in patches {
                    self.patches.entry(cell).or_default().append(patch);
                }
            }
        });
    }

    /// Number of patches.
    pub(super) fn len(&self) -> usize {
        self.patches.len()
    }

    /// Takes all patches, ordered by cell.
    pub(super) fn take(&mut self) -> impl Iterator<Item = PatchRow> + use<> {
        let end = self.end;
        mem::take(&mut self.patches)
            .into_iter()
            .map(move |(cell, patch)| PatchRow { end, cell, patch })
    }
}

/// Packs each place of a share.
fn pack_share(end: TripEnd, share: &Share<'_>, mut emit: impl FnMut(u64, &[PatchTrip])) {
    let mut packed = Vec::new();
    share.places(|cell, trips| {
        packed.clear();
        packed.extend(trips.iter().map(|trip| pack(end, trip)));
        emit(cell, &packed);
    });
}

/// The patches of a share, with their cells.
fn packed(end: TripEnd, share: &Share<'_>) -> Vec<(u64, Patch)> {
    let mut patches = Vec::new();
    pack_share(end, share, |cell, trips| {
        let mut patch = Patch::default();
        patch.add(end, trips);
        patches.push((cell, patch));
    });
    patches
}

/// A trip as the patch of one of its ends stores it.
fn pack(end: TripEnd, trip: &TripRow) -> PatchTrip {
    let (this, other, other_cell) = match end {
        TripEnd::Origin => (trip.origin, trip.destination, trip.destination_cell),
        TripEnd::Destination => (trip.destination, trip.origin, trip.origin_cell),
    };
    PatchTrip {
        other_cell,
        key: TripKey::new(trip.departed_at.week(), trip.region, trip.datasource),
        micros_of_week: trip.departed_at.micros_of_week(),
        ingestion: trip.ingestion,
        position: [this.lon(), this.lat()],
        other: [other.lon(), other.lat()],
        line: trip.line,
        arrived_at: trip.arrived_at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geo::{Point, Resolution, leaf_cell, parent_index, resolution_of};
    use crate::ingest::pipeline::portion::SPARSE_ENDS;
    use crate::model::{Histograms, LocalTime};

    fn trip(line: u64, origin: (f64, f64)) -> TripRow {
        let point = |(lon, lat)| Point::new(lon, lat).unwrap();
        let (origin, destination) = (point(origin), point((14.5, 50.0)));
        TripRow {
            ingestion: 7,
            line,
            region: 1,
            datasource: 1,
            origin,
            destination,
            origin_cell: leaf_cell(origin).into(),
            destination_cell: leaf_cell(destination).into(),
            departed_at: LocalTime::MIN,
            arrived_at: None,
        }
    }

    #[test]
    fn any_number_of_threads_packs_the_same() {
        let places = (0..3_000).map(|n| (f64::from(n % 90), f64::from(n % 7)));
        let crowd = (0..1_000).map(|_| (14.42, 50.08));
        let trips: Vec<_> = (2..)
            .zip(places.chain(crowd))
            .map(|(line, place)| trip(line, place))
            .collect();
        let portions = trips.chunks(2_500).map(|trips| {
            let mut portion = Portion::default();
            portion.push(trips.to_vec());
            portion
        });
        let portions: Vec<_> = portions.collect();
        for end in TripEnd::ALL {
            let packed_by = |threads| {
                let mut batch = Batch::new(end);
                for portion in &portions {
                    assert!(portion.sorted(end).shares(threads).len() <= threads);
                    batch.add_in_shares(portion, threads);
                }
                batch
                    .take()
                    .map(|row| (row.cell, row.patch))
                    .collect::<Vec<_>>()
            };
            let alone = packed_by(1);
            for threads in [2, 3, 16, 100] {
                assert_eq!(packed_by(threads), alone);
            }
        }
    }

    #[test]
    fn nothing_is_packed_of_an_empty_portion() {
        let mut batch = Batch::new(TripEnd::Origin);
        batch.add(&Portion::default());
        assert_eq!(batch.take().count(), 0);
    }

    /// The cell and the lines of each patch, with this many trips in a portion.
    fn packed_in(places: &[(f64, f64)], portion: usize) -> Vec<(u64, Vec<u64>)> {
        let trips: Vec<_> = (2..)
            .zip(places)
            .map(|(line, place)| trip(line, *place))
            .collect();
        let mut batch = Batch::new(TripEnd::Origin);
        for trips in trips.chunks(portion) {
            let mut portion = Portion::default();
            for chunk in trips.chunks(100) {
                portion.push(chunk.to_vec());
            }
            batch.add(&portion);
        }
        let mut patches = Vec::new();
        assert_eq!(batch.end(), TripEnd::Origin);
        for row in batch.take() {
            let mut lines = Vec::new();
            for part in row.patch.bytes().parts(row.end) {
                for trip in part.unwrap().trips() {
                    let trip = trip.unwrap();
                    let [lon, lat] = trip.position;
                    let leaf = leaf_cell(Point::new(lon, lat).unwrap());
                    let level = Resolution::new(resolution_of(row.cell).into()).unwrap();
                    assert_eq!(parent_index(leaf.into(), level), row.cell);
                    assert_eq!(trip.ingestion, 7);
                    lines.push(trip.line);
                }
            }
            patches.push((row.cell, lines));
        }
        assert_eq!(batch.take().count(), 0);
        patches
    }

    fn packed(places: &[(f64, f64)]) -> Vec<(u64, Vec<u64>)> {
        packed_in(places, 1_000_000)
    }

    #[test]
    fn every_trip_end_is_in_one_patch() {
        // A crowd in one place, fewer around it, and some far away.
        let mut places = vec![(14.42, 50.08); SPARSE_ENDS + 50];
        places.extend((0..200).map(|n| (14.42 + f64::from(n) * 0.001, 50.08)));
        places.extend((0..150).map(|n| (f64::from(n), -10.0)));
        let patches = packed(&places);
        let mut lines: Vec<_> = patches
            .iter()
            .flat_map(|(_, lines)| lines.clone())
            .collect();
        lines.sort_unstable();
        assert!(lines.iter().copied().eq(2..2 + places.len() as u64));

        let level = |patch: &(u64, Vec<u64>)| resolution_of(patch.0);
        let crowd = patches
            .iter()
            .find(|(_, lines)| lines.contains(&2))
            .unwrap();
        assert_eq!(resolution_of(crowd.0), 9);
        assert!(crowd.1.is_sorted(), "in the order of the lines");
        assert!(patches.iter().any(|patch| level(patch) == 1));
        for patch in &patches {
            assert!(level(patch) == 9 || patch.1.len() <= SPARSE_ENDS);
        }
    }

    #[test]
    fn both_ends_are_counted_as_if_by_one_thread() {
        let mut portion = Portion::default();
        // Crowds in eight places, and some around the world.
        let crowds = (0..2_000).map(|n| (f64::from(n % 8), 50.0));
        let places = crowds.chain((0..500).map(|n| (f64::from(n % 170), -10.0)));
        let trips: Vec<_> = (2..)
            .zip(places)
            .map(|(line, place)| trip(line, place))
            .collect();
        portion.push(trips);
        let mut both = Histograms::new();
        let [origins, destinations] = TripEnd::ALL.map(|end| {
            let mut batch = Batch::new(end);
            batch.add(&portion);
            let mut histograms = Histograms::new();
            for row in batch.take() {
                for histograms in [&mut histograms, &mut both] {
                    let patch = row.patch.bytes();
                    histograms.add_patch(end, row.cell, patch).unwrap();
                }
            }
            histograms.finish()
        });
        let joined = origins.with_destinations(destinations);
        let both = both.finish();
        assert!(!both.weekly.is_empty() && !both.flows.is_empty());
        assert_eq!(joined.weekly, both.weekly);
        assert_eq!(joined.flows, both.flows);
    }

    #[test]
    fn portions_of_a_batch_share_patches() {
        let places = vec![(14.42, 50.08); 10];
        let lines: Vec<_> = (2..12).collect();
        for portion in [1, 3, 10] {
            assert_eq!(packed_in(&places, portion)[0].1, lines);
            assert_eq!(packed_in(&places, portion).len(), 1);
        }
    }

    #[test]
    fn few_trips_of_a_place_are_one_patch() {
        let patches = packed(&[(14.42, 50.08), (14.43, 50.09), (14.5, 50.1)]);
        assert_eq!(patches.len(), 1);
        assert_eq!(resolution_of(patches[0].0), 1);
        assert!(packed(&[]).is_empty());
    }
}
