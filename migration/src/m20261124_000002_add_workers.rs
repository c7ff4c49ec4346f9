//! Several programs on one database: who works on what.

use sea_orm_migration::prelude::*;

/// Adds the workers, and to an ingestion the spool that holds its file, the worker that has
/// claimed it and the number of that claim.
#[derive(Debug, DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(worker()).await?;
        for column in [
            "spool text NOT NULL DEFAULT ''",
            // A worker that is gone leaves its ingestions to the others.
            "worker_id text REFERENCES worker (id) ON DELETE SET NULL",
            "claims integer NOT NULL DEFAULT 0",
        ] {
            let sql = format!("ALTER TABLE ingestion ADD COLUMN {column}");
            manager.get_connection().execute_unprepared(&sql).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in ["worker_id", "claims", "spool"] {
            let sql = format!("ALTER TABLE ingestion DROP COLUMN {column}");
            manager.get_connection().execute_unprepared(&sql).await?;
        }
        manager
            .drop_table(Table::drop().table("worker").to_owned())
            .await
    }
}

fn worker() -> TableCreateStatement {
    Table::create()
        .table("worker")
        .col(ColumnDef::new("id").text().not_null().primary_key())
        .col(ColumnDef::new("name").text().not_null())
        .col(ColumnDef::new("spool").text().not_null())
        .col(ColumnDef::new("serves").boolean().not_null())
        .col(ColumnDef::new("lease_seconds").double().not_null())
        .col(
            ColumnDef::new("heartbeat_at")
                .timestamp_with_time_zone()
                .not_null()
                .default(Expr::current_timestamp()),
        )
        .to_owned()
}
