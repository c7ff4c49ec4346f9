//! The two questions: how many trips a week an area sees, and which trips are alike.

mod admission;
mod admission_metrics;
mod answers;
mod coalescing;
mod cover;
mod group_members;
mod groups;
mod question;
mod queue;
mod ranking;
mod reads;
mod scan;
mod similar_trips;
mod summaries;
mod verify;
mod week_counts;
mod weekly_average;

pub use answers::Answers;
pub use group_members::group_members;
pub use similar_trips::similar_trips;
pub use summaries::{Summaries, Summary};
pub use verify::{Findings, verify};
pub use weekly_average::{WeeklyAverage, weekly_average};

use crate::store::{self, Store};

/// Why a question was not answered.
#[derive(Debug, thiserror::Error)]
pub enum AnalyticsError {
    /// The answer would take more memory than one question may have.
    #[error("{0}")]
    TooComplex(String),
    /// Too many costly questions are ahead of it.
    #[error("{waiting} costly queries are waiting for their turn; try again later")]
    Busy {
        /// How many wait.
        waiting: usize,
    },
    /// There is no thread to answer it on.
    #[error("cannot start a thread: {0}")]
    Thread(#[source] std::io::Error),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// What is known of every region and datasource.
pub async fn summaries(store: &Store) -> Result<Summaries, store::Error> {
    let snapshot = store.snapshot().await?;
    let pairs = snapshot.pair_summaries().await?;
    snapshot.close().await;
    Ok(Summaries::new(pairs))
}
