//! The trips of a selection, page by page.

use std::collections::HashMap;

use super::AnalyticsError;
use super::named_trips::named;
use super::question::Question;
use super::ranking::Ranking;
use super::selected::each_selected;
use crate::geo::{CellRange, LEVELS, LeafCells, parent_index};
use crate::model::{
    CorruptPatch, IngestionId, LocalTime, Page, PatchDepth, PatchTrip, Selection, Trip, TripEnd,
};
use crate::store::{Error, Snapshot, Store};

/// Where a trip stands in the list: by departure, then by ingestion and line.
pub type TripPlace = (LocalTime, IngestionId, u64);

/// The trips of a selection by departure, then by ingestion and line. `after` is the place of the
/// last trip of the page before.
pub async fn trips(
    store: &Store,
    selection: &Selection,
    first: u64,
    after: Option<TripPlace>,
) -> Result<Page<Trip>, AnalyticsError> {
    let snapshot = store.snapshot().await?;
    let question = TripsQuestion {
        selection: selection.clone(),
        first,
        after,
    };
    let page = question.answer(&snapshot).await?;
    snapshot.close().await;
    Ok(page)
}

/// The question for one page of trips.
#[derive(Debug)]
pub(super) struct TripsQuestion {
    pub(super) selection: Selection,
    /// Maximum number of trips on the page.
    pub(super) first: u64,
    /// The place of the last trip of the page before.
    pub(super) after: Option<TripPlace>,
}

impl Question for TripsQuestion {
    type Answer = Page<Trip>;

    /// Ranks the places of all trips and keeps those of the page; then reads the trips there. So
    /// memory holds a page, however many trips there are, and whichever end the area is about.
    async fn answer(&self, snapshot: &Snapshot) -> Result<Page<Trip>, AnalyticsError> {
        let after = self.after.map(|place| (place, u64::MAX));
        let mut ranking = Ranking::new(self.first, after);
        let mut cells = LeafCells::default();
        each_selected(snapshot, &self.selection, PatchDepth::Rest, |trip| {
            let line = trip.part.line(trip.row).ok_or(CorruptPatch)?;
            let departed = trip.part.departed_at(trip.row).ok_or(CorruptPatch)?;
            let [origin, _] = trip.leaf_cells(&mut cells)?;
            ranking.offer(((departed, trip.part.ingestion(trip.row), line), origin));
            Ok(())
        })
        .await?;
        let (places, has_next, total) = ranking.finish();
        let trips = read(snapshot, &places).await?;
        Ok(Page {
            items: named(snapshot, trips.iter().copied()).await?,
            has_next,
            total,
        })
    }
}

/// Reads the trips of some places, given the leaf cells of their origins.
async fn read(snapshot: &Snapshot, places: &[(TripPlace, u64)]) -> Result<Vec<PatchTrip>, Error> {
    let mut found: HashMap<(IngestionId, u64), Option<PatchTrip>> = places
        .iter()
        .map(|&((_, ingestion, line), _)| ((ingestion, line), None))
        .collect();
    // Trips of a sparse place are packed in a larger cell.
    let mut cells: Vec<_> = places
        .iter()
        .flat_map(|&(_, leaf)| LEVELS.map(|level| parent_index(leaf, level)))
        .collect();
    cells.sort_unstable();
    cells.dedup();
    let only = |cell| CellRange {
        first: cell,
        last: cell,
    };
    let ranges: Vec<_> = cells.into_iter().map(only).collect();
    snapshot
        .patches(TripEnd::Origin, &ranges, PatchDepth::Rest, |patch| {
            for part in patch.parts() {
                let part = part?;
                for (other_cell, rows) in part.runs() {
                    for row in rows {
                        let line = part.line(row).ok_or(CorruptPatch)?;
                        if let Some(trip) = found.get_mut(&(part.ingestion(row), line)) {
                            *trip = Some(part.trip(row, other_cell)?);
                        }
                    }
                }
            }
            Ok(())
        })
        .await?;
    let trip = |&((_, ingestion, line), _): &(TripPlace, u64)| {
        let trip = found.get(&(ingestion, line)).copied().flatten();
        trip.ok_or_else(|| CorruptPatch.into())
    };
    places.iter().map(trip).collect()
}
