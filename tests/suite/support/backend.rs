//! Everything below the API on a database of its own.

use std::path::Path;
use std::time::Duration;

use futures::StreamExt;
use tempfile::TempDir;
use tripgraph::ingest::{IngestOptions, Ingestions, Role, Spool};
use tripgraph::model::{Ingestion, IngestionId, IngestionState};
use tripgraph::store::{Access, Store};

use super::database::{Database, Sql};

/// A server that leaves the segments of small files as they are.
pub const ROLE: Role = Role {
    compacts: false,
    ..Role::SERVER
};

/// A store and its queue of ingestions, on a database of its own.
pub struct Backend {
    pub store: Store,
    pub ingestions: Ingestions,
    test_database: TestDatabase,
}

/// The directory and the database of a backend; deleted when dropped.
pub struct TestDatabase {
    pub dir: TempDir,
    pub database: Database,
}

impl TestDatabase {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let database = Database::new(&dir.path().join("trips.db"));
        Self { dir, database }
    }
}

impl Backend {
    pub async fn start() -> Self {
        Self::start_in(TestDatabase::new()).await
    }

    /// Starts where another one was stopped.
    pub async fn start_in(test_database: TestDatabase) -> Self {
        Self::start_as(test_database, ROLE).await
    }

    /// With a role of its own.
    pub async fn start_as(test_database: TestDatabase, role: Role) -> Self {
        let store = Store::open(test_database.database.url(), Access::Write)
            .await
            .unwrap();
        let spool = test_database.dir.path().join("spool");
        let spool = Spool::open(spool, store.program()).await.unwrap();
        let ingestions = Ingestions::start(store.clone(), spool, role).await.unwrap();
        Self {
            store,
            ingestions,
            test_database,
        }
    }

    /// Stops as a program does that is asked to end, and leaves its database.
    pub async fn stop(self) -> TestDatabase {
        self.ingestions.stop().await;
        self.store.close().await.unwrap();
        self.test_database
    }

    pub fn url(&self) -> &str {
        self.test_database.database.url()
    }

    /// Uploads in the spool's folder.
    pub fn spooled(&self) -> usize {
        super::uploads(&self.dir().join("spool")).len()
    }

    pub fn dir(&self) -> &Path {
        self.test_database.dir.path()
    }

    /// Puts a file in the queue, even where its bytes are there already.
    pub async fn enqueue(&self, csv: &str, max_rejected_rows: Option<u64>) -> IngestionId {
        let bytes = futures::stream::iter([Ok::<_, std::io::Error>(csv.as_bytes().to_vec())]);
        let spool = self.ingestions.spool();
        let upload = spool.receive("trips.csv", bytes, u64::MAX).await.unwrap();
        let options = IngestOptions {
            allow_duplicate: true,
            max_rejected_rows,
            ..IngestOptions::default()
        };
        let enqueued = self.ingestions.enqueue(upload, &options).await.unwrap();
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

    /// A connection past the store, for what only a test may do.
    pub async fn sql(&self) -> Sql {
        self.test_database.database.sql().await
    }

    /// Waits until an ingestion has neither trips nor patches in the database.
    pub async fn purged(&self, id: IngestionId) {
        let sql = self.sql().await;
        let query = format!(
            "SELECT (SELECT COUNT(*) FROM trip WHERE ingestion_id = {id}) + \
             (SELECT COUNT(*) FROM segment WHERE state = 'RETIRED') + \
             (SELECT COUNT(*) FROM trip_summary WHERE ingestion_id = {id}) + \
             (SELECT COUNT(*) FROM ingestion WHERE id = {id} AND has_rows)"
        );
        for _ in 0..1_000 {
            if sql.number(&query).await == 0 {
                sql.close().await;
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("ingestion {id} has left rows");
    }
}
