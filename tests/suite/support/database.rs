//! A database of its own for each test, on the backend that the suite runs on.

use std::path::{Path, PathBuf};

use sea_orm::{ConnectionTrait, DatabaseConnection, QueryResult, TryGetable};

use super::postgres;

/// Whether the suite runs on PostgreSQL.
pub fn on_postgres() -> bool {
    env!("CARGO_CRATE_NAME") == "postgres"
}

/// An address for a database, which is dropped at the end of the test.
pub struct Database {
    url: String,
    /// The file, if it is one.
    file: Option<PathBuf>,
}

impl Database {
    /// One that is empty, or will be made: in this file, if it is one.
    pub fn new(file: &Path) -> Self {
        if on_postgres() {
            return Self {
                url: postgres::create_database(),
                file: None,
            };
        }
        Self {
            url: format!("sqlite://{}", file.display()),
            file: Some(file.to_owned()),
        }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether there is one already.
    pub fn exists(&self) -> bool {
        self.file.as_ref().is_none_or(|file| file.exists())
    }

    /// A connection past the program, for what only a test may do.
    pub async fn sql(&self) -> Sql {
        let mut options = sea_orm::ConnectOptions::new(&self.url);
        options.max_connections(1).sqlx_logging(false);
        let connection = sea_orm::Database::connect(options).await.unwrap();
        Sql(connection)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if on_postgres() {
            postgres::drop_database(&self.url);
        }
    }
}

/// What is stored of trips.
const TABLES: [&str; 7] = [
    "trip",
    "trip_patch",
    "trip_summary",
    "trip_total",
    "weekly_histogram",
    "flow_histogram",
    "ingestion",
];

/// SQL past the program.
pub struct Sql(DatabaseConnection);

impl Sql {
    /// Runs a statement; the number of rows that it touches.
    pub async fn execute(&self, sql: &str) -> u64 {
        let done = self.0.execute_unprepared(sql).await;
        done.unwrap_or_else(|error| panic!("{sql}: {error}"))
            .rows_affected()
    }

    /// Whether the tables are spread over the nodes of a Citus cluster.
    pub async fn is_distributed(&self) -> bool {
        let citus = "SELECT COUNT(*) FROM pg_extension WHERE extname = 'citus'";
        on_postgres() && self.number(citus).await > 0
    }

    /// The last column of patches and weekly histograms, which only a cluster has, after others.
    pub async fn place(&self) -> &'static str {
        if self.is_distributed().await {
            ", place"
        } else {
            ""
        }
    }

    /// The rows that a query finds.
    pub async fn rows(&self, sql: &str) -> Vec<QueryResult> {
        let statement = sea_orm::Statement::from_string(self.0.get_database_backend(), sql);
        let rows = self.0.query_all_raw(statement).await;
        rows.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// The only value that a query finds.
    pub async fn value<T: TryGetable>(&self, sql: &str) -> T {
        self.rows(sql).await[0].try_get_by_index(0).unwrap()
    }

    /// The number that a query finds, whatever its type; of a truth, 0 or 1.
    pub async fn number(&self, sql: &str) -> i64 {
        let text: String = self.value(&format!("SELECT CAST(({sql}) AS TEXT)")).await;
        match text.as_str() {
            "true" => 1,
            "false" => 0,
            text => text.parse().unwrap_or_else(|_| panic!("{sql}: {text}")),
        }
    }

    /// Keeps what is stored of trips.
    pub async fn save(&self) {
        for table in TABLES {
            let copy = format!("CREATE TABLE saved_{table} AS SELECT * FROM {table}");
            self.execute(&copy).await;
        }
    }

    /// Puts back what was kept.
    pub async fn restore(&self) {
        for table in TABLES {
            self.execute(&format!("DELETE FROM {table}")).await;
            let copy = format!("INSERT INTO {table} SELECT * FROM saved_{table}");
            self.execute(&copy).await;
            self.execute(&format!("DROP TABLE saved_{table}")).await;
        }
    }

    pub async fn close(self) {
        self.0.close().await.unwrap();
    }
}
