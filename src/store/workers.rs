//! Workers: the programs that take ingestions from the queue, and their heartbeats.

use std::time::Duration;

use entity::worker;
use sea_orm::{ConnectionTrait, DatabaseTransaction, EntityTrait};

use super::changes::{Message, notify};
use super::commit::{CommitPoint, committed};
use super::statement::statement;
use super::{Error, Store, postgres};

/// A program that takes ingestions from the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worker {
    /// Host and process, for people.
    pub name: String,
    /// The spool whose files it can read.
    pub spool: String,
    /// Whether it serves requests. One that does not leaves the queue to one that does.
    pub serves: bool,
    /// Time without a heartbeat after which others take its ingestions over.
    pub lease: Duration,
}

impl Store {
    /// Makes this program known as a worker, or gives a sign of its life. `false` where the
    /// others thought it dead: what it had claimed is not its own any more.
    pub async fn heartbeat(&self, worker: &Worker) -> Result<bool, Error> {
        self.until_known(|_| self.try_beat(worker)).await
    }

    async fn try_beat(&self, worker: &Worker) -> Result<bool, Error> {
        let tx = self.write().await?;
        let alive = "UPDATE worker SET heartbeat_at = CURRENT_TIMESTAMP WHERE id = $1";
        let alive = statement(&tx, alive, [self.program().into()]);
        let known = tx.execute_raw(alive).await?.rows_affected() > 0;
        if !known {
            self.register(&tx, worker).await?;
        }
        // Every listener hears one of these now and then, or its connection is gone.
        notify(&tx, &Message::heartbeat(self.program())).await?;
        self.commit(CommitPoint::Heartbeat, tx).await?;
        Ok(known)
    }

    /// Makes this program known as a worker, where it is not: others may have thought it dead.
    pub(super) async fn register(
        &self,
        tx: &DatabaseTransaction,
        worker: &Worker,
    ) -> Result<(), Error> {
        let sql = "INSERT INTO worker (id, name, spool, serves, lease_seconds) \
                   VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING";
        let values = [
            self.program().into(),
            worker.name.as_str().into(),
            worker.spool.as_str().into(),
            worker.serves.into(),
            worker.lease.as_secs_f64().into(),
        ];
        tx.execute_raw(statement(tx, sql, values)).await?;
        Ok(())
    }

    /// Takes over from workers that have not been seen for their lease: ends their sessions, and
    /// what they had claimed is everybody's. Tells whether there were any.
    pub async fn expire_workers(&self) -> Result<bool, Error> {
        if !self.is_shared() {
            return Ok(false);
        }
        let writer = &self.inner.writer;
        let mut any = false;
        for program in postgres::expired(writer).await? {
            any |= postgres::replace(writer, &program, self.program(), true).await?;
        }
        Ok(any)
    }

    /// Takes over from a program that is known to have ended. Where its sessions still hold locks,
    /// that is left to [`Store::expire_workers`].
    pub async fn replace(&self, program: &str) -> Result<(), Error> {
        if !self.is_shared() {
            return self
                .remove_worker(CommitPoint::ReplaceWorker, program)
                .await;
        }
        postgres::replace(&self.inner.writer, program, self.program(), false).await?;
        Ok(())
    }

    /// Signs this program off: what it had claimed is everybody's.
    pub async fn sign_off(&self) -> Result<(), Error> {
        self.remove_worker(CommitPoint::SignOff, self.program())
            .await
    }

    async fn remove_worker(&self, point: CommitPoint, program: &str) -> Result<(), Error> {
        let tx = self.write().await?;
        let sql = "DELETE FROM worker WHERE id = $1";
        tx.execute_raw(statement(&tx, sql, [program.into()]))
            .await?;
        notify(&tx, &Message::work(self.program())).await?;
        committed(point, tx.commit()).await
    }

    /// Whether another program serves requests with the same spool.
    pub async fn is_served(&self, spool: &str) -> Result<bool, Error> {
        let reader = &self.inner.reader;
        let sql = "SELECT 1 FROM worker WHERE serves AND spool = $1 AND id <> $2";
        let values = [spool.into(), self.program().into()];
        Ok(reader
            .query_one_raw(statement(reader, sql, values))
            .await?
            .is_some())
    }

    /// The programs that are at work.
    pub async fn workers(&self) -> Result<Vec<(String, Worker)>, Error> {
        let rows = worker::Entity::find().all(&self.inner.reader).await?;
        let known = rows.into_iter().map(|row| {
            let worker = Worker {
                name: row.name,
                spool: row.spool,
                serves: row.serves,
                lease: Duration::try_from_secs_f64(row.lease_seconds).unwrap_or_default(),
            };
            (row.id, worker)
        });
        Ok(known.collect())
    }
}
