//! What was read of a file when a checkpoint was reached.

use sea_orm_migration::prelude::*;

/// Adds the size and the hash of what was read of an ingestion's file by its checkpoint.
#[derive(Debug, DeriveMigrationName)]
pub(crate) struct Migration;

const COLUMNS: [(&str, &str); 2] = [
    ("head_bytes", "bigint NOT NULL DEFAULT 0"),
    ("head_hash", "text NOT NULL DEFAULT ''"),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (name, kind) in COLUMNS {
            let sql = format!("ALTER TABLE ingestion ADD COLUMN {name} {kind}");
            manager.get_connection().execute_unprepared(&sql).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (name, _) in COLUMNS {
            let sql = format!("ALTER TABLE ingestion DROP COLUMN {name}");
            manager.get_connection().execute_unprepared(&sql).await?;
        }
        Ok(())
    }
}
