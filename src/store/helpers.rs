//! Reading with several connections at once: one waits for the disk, or copies, while others do.

use std::sync::{Arc, LazyLock};
use std::{iter, thread};

use entity::edition::Model;
use futures::future::try_join_all;
use futures::stream::{TryStreamExt, select_all};
use sea_orm::{
    DatabaseConnection, DatabaseTransaction, QueryResult, StreamTrait, TransactionTrait,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::edition::{self, Edition};
use super::seen::Seen;
use super::snapshot::Snapshot;
use super::statement::statement;
use super::{Engine, Error};
use crate::geo::CellRange;
use crate::model::TripEnd;

/// Helpers of one question at most: one for each core but that which unpacks what they read. Where the
/// database is in memory, more of them only take turns.
static HELPERS: LazyLock<usize> = LazyLock::new(|| {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    (cores - 1).clamp(1, 3)
});
/// Ranges that are read without them at first, to see how much there is.
const FIRST_RANGES: usize = 8;
/// Rows, from which on helpers are called for what is left.
const MANY_ROWS: usize = 2_048;

/// Connections that help others to read, of all questions together. Nobody waits for one.
#[derive(Debug)]
pub(super) struct Helpers {
    pool: DatabaseConnection,
    free: Arc<Semaphore>,
}

/// A transaction that sees what another one does.
struct Helper {
    tx: DatabaseTransaction,
    _permit: OwnedSemaphorePermit,
}

impl Helpers {
    /// The connections of a pool, of which there are so many at most.
    pub(super) fn new(pool: DatabaseConnection, connections: usize) -> Self {
        Self {
            pool,
            free: Arc::new(Semaphore::new(connections)),
        }
    }

    pub(super) async fn close(&self) -> Result<(), Error> {
        Ok(self.pool.close_by_ref().await?)
    }
}

impl Snapshot {
    /// Hands on the rows of the patches of some ranges of cells, in no order.
    pub(super) async fn each_patch(
        &self,
        columns: &str,
        end: TripEnd,
        ranges: &[CellRange],
        mut visit: impl FnMut(QueryResult) -> Result<(), Error> + Send,
    ) -> Result<(), Error> {
        if self.is_by_place() {
            return self
                .each_by_place("trip_patch", columns, end, ranges, visit)
                .await;
        }
        if ranges.is_empty() {
            return Ok(());
        }
        if let Engine::Postgres { .. } = self.engine() {
            let merged = CellRange::merged(ranges.to_vec());
            let (sql, values) = self.in_ranges(columns, end, &merged);
            return self.each(&sql, values, visit).await;
        }
        // Ranges are not merged here: helpers share them.
        let (mut rows, mut left, mut next) = (0, ranges, FIRST_RANGES);
        while rows < MANY_ROWS && !left.is_empty() {
            let (part, others) = left.split_at(next.min(left.len()));
            let (sql, values) = self.in_ranges(columns, end, part);
            self.each(&sql, values, |row| {
                rows += 1;
                visit(row)
            })
            .await?;
            (left, next) = (others, 4 * next);
        }
        if left.is_empty() {
            return Ok(());
        }
        let helpers = self.helpers().await?;
        let parts = left.chunks(left.len().div_ceil(helpers.len() + 1));
        for _ in 0..parts.len() {
            self.meter.statement().await;
        }
        let streams = iter::once(&self.tx)
            .chain(helpers.iter().map(|helper| &helper.tx))
            .zip(parts)
            .map(|(tx, part)| {
                let (sql, values) = self.in_ranges(columns, end, part);
                tx.stream_raw(statement(tx, &sql, values))
            });
        let mut rows = select_all(try_join_all(streams).await?);
        while let Some(row) = rows.try_next().await? {
            visit(row)?;
            self.meter.row().await;
        }
        drop(rows);
        for helper in helpers {
            helper.tx.rollback().await?;
        }
        Ok(())
    }

    /// The edition: the same, while nothing is published or removed.
    pub async fn edition(&self) -> Result<Edition, Error> {
        Ok(self.whole_edition().await?.into())
    }

    pub(super) async fn whole_edition(&self) -> Result<&Model, Error> {
        let edition = self.edition.get_or_try_init(|| edition::read(&self.tx));
        edition.await
    }

    /// Transactions that see the same trips as this one: as many as are free.
    async fn helpers(&self) -> Result<Vec<Helper>, Error> {
        let mut helpers = Vec::new();
        let Engine::Sqlite { helpers: all, .. } = self.engine() else {
            return Ok(helpers);
        };
        let edition = self.whole_edition().await?;
        while helpers.len() < *HELPERS
            && let Ok(permit) = Arc::clone(&all.free).try_acquire_owned()
        {
            let tx = self.interrupt.watched(all.pool.begin()).await?;
            // What was published or merged meanwhile is not in the others. What was only begun is,
            // and this snapshot does not know that it is hidden.
            let same = edition::read(&tx).await? == *edition
                && Seen::all_but_hidden(&tx).await? == self.seen;
            if !same {
                break;
            }
            helpers.push(Helper {
                tx,
                _permit: permit,
            });
        }
        Ok(helpers)
    }
}
