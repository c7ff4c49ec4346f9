//! Editions: which publications and removals are in the answers.

use std::time::{Duration, Instant};

use entity::edition::{Entity, Model};
use sea_orm::{ConnectionTrait, DatabaseTransaction, EntityTrait};
use uuid::Uuid;

use super::statement::statement;
use super::{Error, Store, postgres};
use crate::backoff::Backoff;

/// How long a question waits until every node has committed.
const SETTLING: Duration = Duration::from_secs(3);

/// A state of the answers. Two snapshots of the same edition have the same trips, even if they were
/// taken on two servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Edition {
    /// Counts publications and removals.
    number: i64,
    /// Random, and set anew with the number. After a failover or a promotion two servers may count on
    /// from the same number with different trips; this tells them apart.
    fingerprint: i64,
}

impl From<&Model> for Edition {
    fn from(row: &Model) -> Self {
        Self {
            number: row.number,
            fingerprint: row.fingerprint,
        }
    }
}

/// The edition and layout that a connection sees.
pub(super) async fn read(connection: &impl ConnectionTrait) -> Result<Model, Error> {
    let row = Entity::find_by_id(1).one(connection).await?;
    row.ok_or(Error::Corrupt("edition"))
}

impl Store {
    /// What is in the answers changes.
    pub(super) async fn count_edition(&self, tx: &DatabaseTransaction) -> Result<(), Error> {
        let fingerprint = Uuid::new_v4().as_u64_pair().0.cast_signed();
        let sql = "UPDATE edition SET number = number + 1, layout = layout + 1, \
                   fingerprint = $1, settled = $2";
        let values = [fingerprint.into(), self.settles_at_once().into()];
        tx.execute_raw(statement(tx, sql, values)).await?;
        self.in_two_phases(tx).await
    }

    /// Trips move to another place; no answer changes.
    pub(super) async fn count_layout(&self, tx: &DatabaseTransaction) -> Result<(), Error> {
        let sql = "UPDATE edition SET layout = layout + 1, settled = $1";
        let values = [self.settles_at_once().into()];
        tx.execute_raw(statement(tx, sql, values)).await?;
        self.in_two_phases(tx).await
    }

    /// What the nodes of a cluster write is committed only if what the coordinator writes is.
    async fn in_two_phases(&self, tx: &DatabaseTransaction) -> Result<(), Error> {
        if self.is_distributed() {
            postgres::commit_in_two_phases(tx).await?;
        }
        Ok(())
    }

    /// The nodes of a cluster commit one after the other.
    fn settles_at_once(&self) -> bool {
        !self.is_distributed()
    }

    /// Waits until every node of a cluster has committed what was in the answers in an edition. If a
    /// connection between nodes broke in the midst of a commit, a node keeps a prepared transaction
    /// until Citus recovers it; this fails after some seconds then.
    pub(super) async fn settle(&self, edition: &Model) -> Result<(), Error> {
        if edition.settled {
            return Ok(());
        }
        let pool = self.inner.reader.get_postgres_connection_pool();
        let began = Instant::now();
        // Those that are prepared later belong to what is still being written.
        let before = postgres::prepared(pool).await?;
        let mut left = before.clone();
        let mut backoff = Backoff::new(Duration::from_millis(10), Duration::from_millis(500));
        while !left.is_disjoint(&before) {
            if began.elapsed() > SETTLING {
                return Err(Error::Unsettled);
            }
            backoff.wait().await;
            left = postgres::prepared(pool).await?;
        }
        let writer = &self.inner.writer;
        let sql = "UPDATE edition SET settled = true WHERE layout = $1";
        writer
            .execute_raw(statement(writer, sql, [edition.layout.into()]))
            .await?;
        Ok(())
    }
}
