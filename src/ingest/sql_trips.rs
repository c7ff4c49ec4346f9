//! Fills the table `trip`, for people who ask with SQL, behind everything else.
//!
//! A block of rows is written only while the worker has nothing to do, and each is a transaction of
//! its own, so that whoever comes meanwhile waits for a block at most. Several programs may fill the
//! same table: [`Store`] takes a block from one of them only, and the others step back for a while.

use std::time::{Duration, Instant};

use clap::ValueEnum;
use futures::stream::{self, BoxStream, StreamExt};
use tokio::sync::watch;

use super::Ingestions;
use crate::backoff::Backoff;
use crate::store::{self, SQL_BLOCK_TRIPS, SegmentId, SqlBacklog, Store};
use crate::threads::{ThreadError, in_background};

/// How long the number of missing rows is counted down before it is read again.
const RECOUNT: Duration = Duration::from_secs(5);
/// How long another program is left alone that fills, too.
const STEP_BACK: Duration = Duration::from_millis(500);
const STEP_BACK_MOST: Duration = Duration::from_secs(5);

/// Whether the trips of an ingestion are written to the table `trip`, for SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum SqlTrips {
    /// After an ingestion has succeeded, while no other is queued or running
    #[default]
    Background,
    /// Never. Missing rows are written after a start with `background`
    Off,
}

/// How far the rows have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SqlTripsProgress {
    /// Rows that this program has written since its start.
    pub written: u64,
    /// Trips in the answers that are not rows yet.
    pub missing: u64,
    /// The last request after which nothing was left to write.
    settled: u64,
}

/// Requests to look for missing rows, and what came of them.
#[derive(Debug)]
pub(super) struct SqlTripsQueue {
    mode: SqlTrips,
    requests: watch::Sender<u64>,
    progress: watch::Sender<SqlTripsProgress>,
}

impl SqlTripsQueue {
    pub(super) fn new(mode: SqlTrips) -> Self {
        Self {
            mode,
            // The first request is the start of the program.
            requests: watch::Sender::new(1),
            progress: watch::Sender::default(),
        }
    }

    pub(super) fn is_on(&self) -> bool {
        self.mode == SqlTrips::Background
    }

    /// Has missing rows looked for: an ingestion has ended somewhere. Returns the request's number.
    pub(super) fn request(&self) -> u64 {
        let mut number = 0;
        self.requests.send_modify(|requests| {
            *requests += 1;
            number = *requests;
        });
        number
    }

    pub(super) fn progress(&self) -> SqlTripsProgress {
        *self.progress.borrow()
    }

    /// The progress until nothing is left to write of what is in the answers now.
    fn until_settled(&self) -> BoxStream<'static, SqlTripsProgress> {
        let progress = self.progress.subscribe();
        let request = self.request();
        stream::unfold(Some(progress), move |progress| async move {
            let mut progress = progress?;
            progress.changed().await.ok()?;
            let now = *progress.borrow_and_update();
            Some((now, (now.settled < request).then_some(progress)))
        })
        .boxed()
    }
}

impl Ingestions {
    /// The progress of the rows for SQL, until all trips that are in the answers now are rows, or
    /// cannot be. Ends at once where they are not written.
    #[must_use]
    pub fn sql_trips(&self) -> BoxStream<'static, SqlTripsProgress> {
        if self.inner.sql_trips.is_on() {
            self.inner.sql_trips.until_settled()
        } else {
            stream::empty().boxed()
        }
    }
}

/// Why a block of rows was not written.
#[derive(Debug, thiserror::Error)]
enum FillError {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Thread(#[from] ThreadError),
}

impl FillError {
    /// Whether it is worth trying again later.
    fn is_temporary(&self) -> bool {
        match self {
            Self::Store(error) => error.is_unavailable(),
            Self::Thread(ThreadError::Start(_)) => true,
            Self::Thread(ThreadError::Panicked) => false,
        }
    }
}

/// Fills the table until the program stops.
pub(super) async fn fill(ingestions: Ingestions) {
    let inner = &ingestions.inner;
    let mut requests = inner.sql_trips.requests.subscribe();
    let mut filling = Filling {
        ingestions: &ingestions,
        given_up: Vec::new(),
        current: None,
        counted: None,
        unknown: 0,
    };
    loop {
        let request = *requests.borrow_and_update();
        if !filling.until_complete().await {
            return;
        }
        filling.analyze().await;
        inner.sql_trips.progress.send_modify(|progress| {
            progress.settled = request;
            progress.missing = 0;
        });
        inner.merging.request();
        tokio::select! {
            _ = requests.changed() => {}
            () = inner.shutdown.cancelled() => return,
        }
    }
}

/// What came of an attempt to write a block.
enum Step {
    /// It was written; the number of its rows.
    Written(u64),
    /// Another program was faster, or trips were removed or merged.
    Late,
    /// No segment lacks rows.
    Complete,
}

struct Filling<'a> {
    ingestions: &'a Ingestions,
    /// Segments with a patch that is broken: until the next start.
    given_up: Vec<SegmentId>,
    /// The segment that is filled, and since when.
    current: Option<(SegmentId, Instant)>,
    /// When the missing rows were counted.
    counted: Option<Instant>,
    /// Rows that the planner of the database does not know of yet.
    unknown: u64,
}

impl Filling<'_> {
    /// Writes blocks until no segment lacks rows. Returns whether the program goes on.
    async fn until_complete(&mut self) -> bool {
        let inner = &self.ingestions.inner;
        let (mut away, mut late) = (Backoff::default(), Backoff::new(STEP_BACK, STEP_BACK_MOST));
        let mut idle = inner.idle.subscribe();
        loop {
            tokio::select! {
                biased;
                () = inner.shutdown.cancelled() => return false,
                // Its sender lives as long as the program's ingestions.
                _ = idle.wait_for(|idle| *idle) => {}
            }
            let delay = match self.step().await {
                Ok(Step::Complete) => return true,
                Ok(Step::Written(rows)) => {
                    away.reset();
                    late.reset();
                    self.note(rows);
                    continue;
                }
                Ok(Step::Late) => late.delay(),
                Err(error) => {
                    tracing::error!(%error, "cannot write trips to the table for SQL");
                    away.delay()
                }
            };
            tokio::select! {
                () = tokio::time::sleep(delay) => {}
                () = inner.shutdown.cancelled() => return false,
            }
        }
    }

    /// Writes the next block of the first segment that lacks rows.
    async fn step(&mut self) -> Result<Step, FillError> {
        let store = &self.ingestions.inner.store;
        let Some(backlog) = store.sql_backlog(&self.given_up).await? else {
            return Ok(Step::Complete);
        };
        let segment = backlog.segment;
        self.count().await?;
        if self.current.is_none_or(|(current, _)| current != segment) {
            self.current = Some((segment, Instant::now()));
        }
        let written = write_block(store, &backlog).await;
        let (rows, completes) = match written {
            Ok(Some(written)) => written,
            Ok(None) => return Ok(Step::Late),
            Err(error) if error.is_temporary() => return Err(error),
            Err(error) => {
                tracing::error!(segment, %error, "cannot write the trips of a segment to the table for SQL");
                self.given_up.push(segment);
                return Ok(Step::Written(0));
            }
        };
        if completes {
            self.complete(&backlog, rows);
        }
        Ok(Step::Written(rows))
    }

    /// Logs that the rows of a segment are complete.
    fn complete(&mut self, backlog: &SqlBacklog, rows: u64) {
        let SqlBacklog { segment, trips, .. } = *backlog;
        let rows = backlog.rows + rows;
        let took = self.current.take().map(|(_, since)| since.elapsed());
        let seconds = took.unwrap_or_default().as_secs_f64();
        if rows == trips {
            tracing::info!(segment, rows, seconds, "trips can be read with SQL");
        } else {
            tracing::error!(
                segment,
                rows,
                trips,
                "patches do not hold all trips of a segment"
            );
        }
    }

    /// Updates the statistics of the database's planner after rows were written.
    async fn analyze(&mut self) {
        let rows = std::mem::take(&mut self.unknown);
        let store = &self.ingestions.inner.store;
        if rows > 0
            && let Err(error) = store.analyze_sql_trips_after(rows).await
        {
            tracing::warn!(%error, "cannot update the statistics of the table for SQL");
        }
    }

    /// Counts the missing rows, unless that was done a moment ago.
    async fn count(&mut self) -> Result<(), store::Error> {
        if self.counted.is_none_or(|at| at.elapsed() >= RECOUNT) {
            let inner = &self.ingestions.inner;
            let missing = inner.store.sql_rows_missing().await?;
            let progress = &inner.sql_trips.progress;
            progress.send_modify(|progress| progress.missing = missing);
            self.counted = Some(Instant::now());
        }
        Ok(())
    }

    /// Counts rows that were written.
    fn note(&mut self, rows: u64) {
        self.unknown += rows;
        let inner = &self.ingestions.inner;
        inner.metrics.sql_rows(rows);
        inner.sql_trips.progress.send_modify(|progress| {
            progress.written += rows;
            progress.missing = progress.missing.saturating_sub(rows);
        });
    }
}

/// Writes the next block of a segment. Returns the number of its rows, and whether they are the last;
/// `None` where another program was faster, or trips were removed or merged.
async fn write_block(
    store: &Store,
    backlog: &SqlBacklog,
) -> Result<Option<(u64, bool)>, FillError> {
    let patches = store.sql_patches(backlog).await?;
    let unpack = move || patches.unpack(SQL_BLOCK_TRIPS);
    let block = in_background("sql-trips", unpack).await??;
    let written = store.write_sql_block(&block).await?;
    Ok(written.then_some((block.trips.len() as u64, block.completes)))
}
