//! Portions: about 1 million trips, whose ends are sorted by cell and packed together.

use crate::geo::{LEAF_NUMBER_BITS, LEVELS, Resolution, leaf_number, numbered_leaf, parent_index};
use crate::model::TripEnd;
use crate::store::TripRow;

/// Maximum number of trips that are added to a portion at a time.
pub(super) const CHUNK_TRIPS: usize = 1 << 12;

/// A portion with this many trips is full. Tests have smaller ones, so that a file of theirs has
/// several batches.
pub(super) const PORTION_TRIPS: usize = if cfg!(debug_assertions) {
    1 << 14
} else {
    1 << 20
};

/// So is one with this many chunks, which may hold few trips each.
const PORTION_CHUNKS: usize = 1 << 14;

/// Up to this many trip ends of a portion form one patch instead of patches of smaller cells.
pub(super) const SPARSE_ENDS: usize = 128;

/// Number of trip ends whose trips are fetched together.
const FETCHED_ENDS: usize = 32;

/// Trips to be packed together, in the order of their lines.
#[derive(Debug, Default)]
pub(super) struct Portion {
    chunks: Vec<Vec<TripRow>>,
    trips: usize,
}

impl Portion {
    /// Adds at most [`CHUNK_TRIPS`] trips.
    pub(super) fn push(&mut self, trips: Vec<TripRow>) {
        debug_assert!(trips.len() <= CHUNK_TRIPS, "{} trips", trips.len());
        if !trips.is_empty() {
            self.trips += trips.len();
            self.chunks.push(trips);
        }
    }

    /// Its trips.
    pub(super) fn chunks(&self) -> &[Vec<TripRow>] {
        &self.chunks
    }

    /// Number of trips.
    pub(super) const fn trips(&self) -> u64 {
        self.trips as u64
    }

    /// Whether it is large enough to be packed.
    pub(super) const fn is_full(&self) -> bool {
        self.trips >= PORTION_TRIPS || self.chunks.len() >= PORTION_CHUNKS
    }

    /// The ends of one kind, sorted by place.
    pub(super) fn sorted(&self, end: TripEnd) -> SortedEnds<'_> {
        let mut ends = Vec::with_capacity(self.trips);
        for (chunk, trips) in self.chunks.iter().enumerate() {
            ends.extend(trips.iter().enumerate().map(|(index, trip)| {
                let leaf = match end {
                    TripEnd::Origin => trip.origin_cell,
                    TripEnd::Destination => trip.destination_cell,
                };
                PlacedEnd::new(leaf, chunk, index)
            }));
        }
        // The descendants of a cell are neighbours then, and the trips of a leaf cell in the order
        // of their lines.
        ends.sort_unstable();
        SortedEnds {
            portion: self,
            ends,
        }
    }
}

/// The ends of one kind of the trips of a portion, sorted by place.
pub(super) struct SortedEnds<'p> {
    portion: &'p Portion,
    ends: Vec<PlacedEnd>,
}

impl SortedEnds<'_> {
    /// Divides the places into at most so many shares, with about as many ends in each. Where trips are
    /// dense a place is a leaf cell, where they are sparse the largest cell of [`LEVELS`] with at most
    /// [`SPARSE_ENDS`].
    pub(super) fn shares(&self, number: usize) -> Vec<Share<'_>> {
        let most = self.ends.len().div_ceil(number);
        let mut shares: Vec<Share<'_>> = Vec::with_capacity(number);
        let mut room = 0;
        cut(&self.ends, &LEVELS, &mut |cell, ends| {
            if room == 0 {
                shares.push(Share {
                    portion: self.portion,
                    places: Vec::new(),
                });
                room = most;
            }
            if let Some(share) = shares.last_mut() {
                share.places.push((cell, ends));
            }
            room = room.saturating_sub(ends.len());
        });
        shares
    }
}

/// Some places of a portion: their cells and ends.
pub(super) struct Share<'s> {
    portion: &'s Portion,
    places: Vec<(u64, &'s [PlacedEnd])>,
}

impl Share<'_> {
    /// Emits each place with its cell and its trips. Places come in the order of their cells, trips of
    /// a leaf cell in the order of their lines.
    pub(super) fn places(&self, mut emit: impl FnMut(u64, &[TripRow])) {
        let mut place = Vec::new();
        for &(cell, ends) in &self.places {
            place.clear();
            // Trips lie far apart in memory. Those of a few ends are fetched before any is packed,
            // so that the processor waits for all of them at once.
            for ends in ends.chunks(FETCHED_ENDS) {
                let mut trips = [None; FETCHED_ENDS];
                for (trip, placed) in trips.iter_mut().zip(ends) {
                    *trip = Some(self.portion.chunks[placed.chunk()][placed.index()]);
                }
                place.extend(trips.into_iter().flatten());
            }
            emit(cell, &place);
        }
    }
}

/// A trip end's leaf cell and the chunk and index of its trip in the portion, in one number, which
/// is quick to sort. The order is by leaf cell, chunk and index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct PlacedEnd(u64);

/// Bits of an index below [`CHUNK_TRIPS`].
const INDEX_BITS: u32 = CHUNK_TRIPS.trailing_zeros();
/// The remaining bits, for the chunk: there are at most [`PORTION_CHUNKS`].
const CHUNK_BITS: u32 = u64::BITS - LEAF_NUMBER_BITS - INDEX_BITS;
const _: () = assert!(CHUNK_TRIPS == 1 << INDEX_BITS && PORTION_CHUNKS <= 1 << CHUNK_BITS);

impl PlacedEnd {
    const fn new(leaf: u64, chunk: usize, index: usize) -> Self {
        let place = (chunk as u64) << INDEX_BITS | index as u64;
        Self(leaf_number(leaf) << (CHUNK_BITS + INDEX_BITS) | place)
    }

    const fn leaf(self) -> u64 {
        numbered_leaf(self.0 >> (CHUNK_BITS + INDEX_BITS))
    }

    const fn chunk(self) -> usize {
        (self.0 >> INDEX_BITS) as usize % (1 << CHUNK_BITS)
    }

    const fn index(self) -> usize {
        (self.0 % (1 << INDEX_BITS)) as usize
    }
}

/// Divides sorted trip ends into patches: by the cells of the first level, and where a cell has
/// more than [`SPARSE_ENDS`], by the next level.
fn cut<'e>(
    ends: &'e [PlacedEnd],
    levels: &[Resolution],
    emit: &mut impl FnMut(u64, &'e [PlacedEnd]),
) {
    let Some((&level, finer)) = levels.split_first() else {
        return;
    };
    let cell = |end: &PlacedEnd| parent_index(end.leaf(), level);
    for ends in ends.chunk_by(|a, b| cell(a) == cell(b)) {
        if finer.is_empty() || ends.len() <= SPARSE_ENDS {
            emit(cell(&ends[0]), ends);
        } else {
            cut(ends, finer, emit);
        }
    }
}
