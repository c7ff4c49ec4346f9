//! Locating: the leaf cells of both ends of trips.

use crate::geo::LeafCells;
use crate::store::TripRow;

/// Sets the leaf cells of trips.
pub(super) fn locate(cells: &mut LeafCells, trips: &mut [TripRow]) {
    for trip in trips {
        trip.origin_cell = cells.index(trip.origin);
        trip.destination_cell = cells.index(trip.destination);
    }
}
