//! The suite on SQLite, where each test has a file of its own; and what needs to run only once.
#![allow(clippy::unwrap_used, reason = "tests")]

#[cfg(target_os = "linux")]
mod embedded;
mod once;
mod suite;

use sea_orm::{ConnectionTrait, Database, Statement};

/// As `.cargo/config.toml` wants it; answers are the same without, only slower.
#[tokio::test]
async fn sqlite_is_built_without_locks_that_all_its_threads_share() {
    let database = Database::connect("sqlite::memory:").await.unwrap();
    let options = Statement::from_string(database.get_database_backend(), "PRAGMA compile_options");
    let options: Vec<String> = database
        .query_all_raw(options)
        .await
        .unwrap()
        .iter()
        .map(|row| row.try_get_by_index(0).unwrap())
        .collect();
    assert!(
        options.contains(&"DEFAULT_MEMSTATUS=0".to_owned()),
        "{options:?}"
    );
    let shared = |option: &&String| option.starts_with("ENABLE_MEMORY_MANAGEMENT");
    assert_eq!(options.iter().find(shared), None);
}
