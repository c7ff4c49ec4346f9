//! The two questions: the weekly average number of trips in an area, and groups of similar trips.

mod admission;
mod admission_metrics;
mod answer_cache;
mod answers;
mod coalescing;
mod cover;
mod every_trip;
mod group_members;
mod groups;
mod inside_leaves;
mod named_trips;
mod od_matrix;
mod open_groups;
mod periods;
mod places;
mod profile;
mod question;
mod queue;
mod ranking;
mod reads;
mod rounding;
mod rows;
mod scan;
mod selected;
mod similar_trips;
mod summaries;
mod trips;
mod verify;
mod week_counts;
mod weekly_average;
mod weekly_count;
mod work;
mod zone_averages;
mod zone_cover;
mod zone_sets;
mod zone_trips;

pub use answers::Answers;
pub use group_members::group_members;
pub use od_matrix::OdPair;
pub use periods::{Comparison, Order, Period};
pub use profile::{HOURS_PER_WEEK, TripProfile, trip_profile};
pub use rounding::{rounded_profile, rounded_zone_averages};
pub use rows::{NamedTrip, Row, RowSink, RowsQuestion};
pub use similar_trips::similar_trips;
pub use summaries::Summaries;
pub use trips::{TripPlace, trips};
pub use verify::{Verification, verify};
pub use weekly_average::{WeeklyAverage, weekly_average};
pub use work::{Ledger, Work};
pub use zone_averages::ZoneAverages;
pub use zone_sets::ZoneSets;

use crate::store::{self, Store};

/// Why a question was not answered.
#[derive(Debug, thiserror::Error)]
pub enum AnalyticsError {
    /// The answer would take more memory than a question may use.
    #[error("{0}")]
    TooComplex(String),
    /// The queue of costly questions is full, or the question has waited too long in it.
    #[error("{waiting} costly queries are waiting for their turn; try again later")]
    Busy {
        /// Number of waiting questions, this one included.
        waiting: usize,
    },
    /// No thread could be started to compute the answer.
    #[error("cannot start a thread: {0}")]
    Thread(#[source] std::io::Error),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// The number of trips and the first and last departure of every region and datasource.
pub async fn summaries(store: &Store) -> Result<Summaries, store::Error> {
    let snapshot = store.snapshot().await?;
    let pairs = snapshot.pair_summaries().await?;
    snapshot.close().await;
    Ok(Summaries::new(pairs))
}
