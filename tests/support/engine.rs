//! Everything below the API on a database of its own.

use std::time::Duration;

use futures::StreamExt;
use sqlx::SqlitePool;
use tempfile::TempDir;
use tripgraph::ingest::{IngestOptions, Ingestions, Spool};
use tripgraph::model::{Ingestion, IngestionId, IngestionState};
use tripgraph::store::{Access, Store};

/// A store and its queue of ingestions, in a folder of its own.
pub struct Engine {
    pub store: Store,
    pub ingestions: Ingestions,
    pub dir: TempDir,
    url: String,
}

impl Engine {
    pub async fn start() -> Self {
        Self::start_in(tempfile::tempdir().unwrap()).await
    }

    /// Starts where another one was stopped.
    pub async fn start_in(dir: TempDir) -> Self {
        let url = format!("sqlite://{}", dir.path().join("trips.db").display());
        let store = Store::open(&url, Access::Write).await.unwrap();
        let spool = Spool::open(dir.path().join("spool")).await.unwrap();
        let ingestions = Ingestions::start(store.clone(), spool).await.unwrap();
        Self {
            store,
            ingestions,
            dir,
            url,
        }
    }

    /// Stops as a program does that is asked to end, and leaves the folder.
    pub async fn stop(self) -> TempDir {
        self.ingestions.stop().await;
        self.store.close().await.unwrap();
        self.dir
    }

    /// Puts a file in the queue, even where its bytes are there already.
    pub async fn enqueue(&self, csv: &str, max_rejected_rows: Option<u64>) -> IngestionId {
        let bytes = futures::stream::iter([Ok::<_, std::io::Error>(csv.as_bytes().to_vec())]);
        let spool = self.ingestions.spool();
        let upload = spool.receive("trips.csv", bytes, u64::MAX).await.unwrap();
        let options = IngestOptions {
            allow_duplicate: true,
            max_rejected_rows,
        };
        let enqueued = self.ingestions.enqueue(upload, options).await.unwrap();
        assert!(!enqueued.duplicate);
        enqueued.ingestion.id
    }

    /// Waits for the first state that is as wanted, or the final one.
    pub async fn until(&self, id: IngestionId, wanted: impl Fn(&Ingestion) -> bool) -> Ingestion {
        let mut states = self.ingestions.watch(id).await.unwrap().unwrap();
        loop {
            let ingestion = states.next().await.unwrap();
            if ingestion.state.is_final() || wanted(&ingestion) {
                return ingestion;
            }
        }
    }

    /// Waits for an ingestion's final state.
    pub async fn ended(&self, id: IngestionId) -> Ingestion {
        self.until(id, |_| false).await
    }

    /// Ingests a file, which must succeed.
    pub async fn ingest(&self, csv: &str) -> Ingestion {
        let id = self.enqueue(csv, None).await;
        let ended = self.ended(id).await;
        assert_eq!(ended.state, IngestionState::Succeeded, "{ended:?}");
        ended
    }

    /// Connections past the store, for what only a test may do.
    pub async fn sql(&self) -> SqlitePool {
        SqlitePool::connect(&self.url).await.unwrap()
    }

    /// Waits until an ingestion has neither trips nor patches in the database.
    pub async fn purged(&self, id: IngestionId) {
        let sql = self.sql().await;
        let left = || async {
            let query = "SELECT (SELECT COUNT(*) FROM trip WHERE ingestion_id = ?1) + \
                         (SELECT COUNT(*) FROM trip_patch WHERE ingestion_id = ?1) + \
                         (SELECT COUNT(*) FROM trip_summary WHERE ingestion_id = ?1) + \
                         (SELECT COUNT(*) FROM ingestion WHERE id = ?1 AND has_rows)";
            let left: i64 = sqlx::query_scalar(query)
                .bind(id)
                .fetch_one(&sql)
                .await
                .unwrap();
            left
        };
        for _ in 0..1_000 {
            if left().await == 0 {
                sql.close().await;
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("ingestion {id} has left {} rows", left().await);
    }
}
