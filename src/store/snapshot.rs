//! Reading for one answer: every question to a snapshot sees the same state of the database.

use std::sync::{Arc, Mutex, PoisonError};

use entity::edition;
use futures::TryStreamExt;
use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    IsolationLevel, QueryResult, StreamTrait, TransactionOptions, TransactionTrait, Value,
};
use tokio::sync::OnceCell;

use super::by_place;
use super::edition as editions;
use super::replica::Reading;
use super::seen::Seen;
use super::sqlite::Interrupt;
use super::statement::{bytes, statement};
use super::{BrokenRow, Engine, Error, Meter, Replica, Store, postgres};
use crate::geo::CellRange;
use crate::model::TripEnd;

/// The state of the database at one moment. What is under way when it is dropped is stopped.
pub struct Snapshot {
    /// Dropped first: what the transaction is doing must end before it can be rolled back.
    pub(super) interrupt: Interrupt,
    pub(super) tx: DatabaseTransaction,
    pub(super) seen: Seen,
    pub(super) meter: Arc<Meter>,
    /// The edition, once it was asked for.
    pub(super) edition: OnceCell<edition::Model>,
    store: Store,
    /// Present if it is a replica that is read.
    reading: Option<Reading>,
    /// Whether something may be published while it is read, which is noticed at the end.
    is_tentative: bool,
    /// The corrupt rows that were skipped, with their keys.
    broken: Option<Mutex<Vec<BrokenRow>>>,
}

impl Store {
    /// As [`Store::snapshot`], but corrupt rows are recorded and skipped.
    pub async fn lenient_snapshot(&self) -> Result<Snapshot, Error> {
        let mut snapshot = self.snapshot().await?;
        if self.is_distributed() {
            postgres::hold_back_sql_rows(&snapshot.tx).await?;
        }
        snapshot.broken = Some(Mutex::default());
        Ok(snapshot)
    }

    /// The state of the database as of now, for the questions of one answer.
    pub async fn snapshot(&self) -> Result<Snapshot, Error> {
        self.metered(Arc::new(Meter::unlimited())).await
    }

    /// As [`Store::snapshot`]; what is read from it is counted.
    pub async fn metered(&self, meter: Arc<Meter>) -> Result<Snapshot, Error> {
        let tx = self.begin_reading(&self.inner.reader).await?;
        if self.is_distributed() {
            postgres::hold_back_publishers(&tx.1).await?;
        }
        self.see(tx, meter, None).await
    }

    /// As [`Store::metered`], but on a cluster, whose nodes do not share a snapshot, publishers are not
    /// held back: [`Snapshot::finish`] fails if what was read may be of several states.
    pub(super) async fn tentative(&self, meter: Arc<Meter>) -> Result<Snapshot, Error> {
        let tx = self.begin_reading(&self.inner.reader).await?;
        let mut snapshot = self.see(tx, meter, None).await?;
        snapshot.is_tentative = self.is_distributed();
        Ok(snapshot)
    }

    /// The state of the primary, or of a replica.
    pub(super) async fn begin_at(
        &self,
        connection: &DatabaseConnection,
        meter: Arc<Meter>,
        reading: Option<Reading>,
    ) -> Result<Snapshot, Error> {
        let tx = self.begin_reading(connection).await?;
        self.see(tx, meter, reading).await
    }

    async fn begin_reading(
        &self,
        connection: &DatabaseConnection,
    ) -> Result<(Interrupt, DatabaseTransaction), Error> {
        let options = TransactionOptions {
            isolation_level: match self.inner.engine {
                Engine::Postgres { citus: false } => Some(IsolationLevel::RepeatableRead),
                // Here a transaction sees one state anyway; and there its nodes would not.
                Engine::Sqlite { .. } | Engine::Postgres { citus: true } => None,
            },
            access_mode: self.is_shared().then_some(AccessMode::ReadOnly),
            ..TransactionOptions::default()
        };
        let interrupt = Interrupt::default();
        let tx = interrupt
            .watched(connection.begin_with_options(options))
            .await?;
        Ok((interrupt, tx))
    }

    async fn see(
        &self,
        (interrupt, tx): (Interrupt, DatabaseTransaction),
        meter: Arc<Meter>,
        reading: Option<Reading>,
    ) -> Result<Snapshot, Error> {
        let edition = OnceCell::new();
        let seen = if self.is_distributed() {
            postgres::plan_lookups(&tx).await?;
            let current = editions::read(&tx).await?;
            self.settle(&current).await?;
            // It is not there yet.
            let _ = edition.set(current);
            Seen::only_live(&tx).await?
        } else {
            Seen::all_but_hidden(&tx).await?
        };
        Ok(Snapshot {
            interrupt,
            tx,
            seen,
            meter,
            edition,
            store: self.clone(),
            reading,
            is_tentative: false,
            broken: None,
        })
    }
}

impl Snapshot {
    /// The replica that is read; `None` if it is the primary.
    #[must_use]
    pub fn replica(&self) -> Option<Arc<Replica>> {
        self.reading.as_ref().map(|reading| Arc::clone(&reading.0))
    }

    /// The corrupt rows that were skipped so far.
    #[must_use]
    pub fn take_broken(&self) -> Vec<BrokenRow> {
        let broken = self.broken.as_ref();
        broken.map_or_else(Vec::new, |broken| {
            std::mem::take(&mut *broken.lock().unwrap_or_else(PoisonError::into_inner))
        })
    }

    /// What a row came to: where it is broken, the error names it, or it is passed over.
    pub(super) fn of_row(
        &self,
        table: &'static str,
        key: impl FnOnce() -> String,
        result: Result<(), Error>,
    ) -> Result<(), Error> {
        match (
            result.map_err(|error| error.in_row(table, key)),
            &self.broken,
        ) {
            (Err(Error::Broken(row)), Some(broken)) => {
                let mut broken = broken.lock().unwrap_or_else(PoisonError::into_inner);
                broken.push(*row);
                Ok(())
            }
            (result, _) => result,
        }
    }

    /// Whether what is read from it counts only once it is finished.
    #[must_use]
    pub const fn is_tentative(&self) -> bool {
        self.is_tentative
    }

    /// Gives the connection back; fails with [`Error::Crossed`] if what was read may be of several states.
    ///
    /// A node commits only after the coordinator, so what was published since is not in what was read
    /// as long as the coordinator has the same layout.
    pub async fn finish(self) -> Result<(), Error> {
        if self.is_tentative {
            let now = editions::read(&self.tx).await?;
            let then = self.whole_edition().await?;
            if (now.layout, now.fingerprint) != (then.layout, then.fingerprint) {
                return Err(Error::Crossed);
            }
            // All nodes take part in the end of a transaction; the answer need not wait for them.
            tokio::spawn(self.close());
        } else {
            self.close().await;
        }
        Ok(())
    }

    /// Gives the connection back, for the next question to find it ready: one that is dropped is so
    /// only a little later.
    pub async fn close(self) {
        if let Err(error) = self.tx.rollback().await {
            tracing::debug!(%error, "a snapshot was not closed in order");
        }
    }

    /// Whether rows are distributed by place over the nodes of a cluster.
    #[must_use]
    pub fn is_by_place(&self) -> bool {
        self.store.is_distributed()
    }

    /// Hands on the rows of some ranges of cells, from a table that is distributed by place.
    pub(super) async fn each_by_place(
        &self,
        table: &str,
        columns: &str,
        end: TripEnd,
        cells: &[CellRange],
        mut visit: impl FnMut(QueryResult) -> Result<(), Error> + Send,
    ) -> Result<(), Error> {
        for (sql, values) in by_place::statements(table, columns, end, cells) {
            self.each(&sql, values, &mut visit).await?;
        }
        Ok(())
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.store.inner.engine
    }

    pub(super) fn backend(&self) -> DbBackend {
        ConnectionTrait::get_database_backend(&self.tx)
    }

    /// Runs a query and hands on its rows one by one, so that memory does not grow with them.
    pub(super) async fn each(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = Value> + Send,
        mut visit: impl FnMut(QueryResult) -> Result<(), Error> + Send,
    ) -> Result<(), Error> {
        self.meter.statement().await;
        let mut rows = self.tx.stream_raw(statement(&self.tx, sql, values)).await?;
        while let Some(row) = rows.try_next().await? {
            visit(row)?;
            self.meter.row().await;
        }
        Ok(())
    }

    /// The large value of a column by its place; see [`bytes`].
    pub(super) fn bytes<'r>(&self, row: &'r QueryResult, index: usize) -> Result<&'r [u8], DbErr> {
        let bytes = bytes(row, index)?;
        self.meter.count(bytes.len());
        Ok(bytes)
    }

    /// Counts work that is done between the statements of a question, in bytes.
    pub fn count_work(&self, bytes: usize) {
        self.meter.count(bytes);
    }
}
