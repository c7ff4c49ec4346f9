//! Warnings of ingestions.

use sea_orm_migration::prelude::*;

/// Adds the warnings of an ingestion, and the index that finds ingestions by the name of their file.
#[derive(Debug, DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = "ALTER TABLE ingestion ADD COLUMN warnings text NOT NULL DEFAULT '[]'";
        manager.get_connection().execute_unprepared(column).await?;
        let index = Index::create()
            .name("ingestion_source")
            .table("ingestion")
            .col("source")
            .to_owned();
        manager.create_index(index).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let index = Index::drop()
            .name("ingestion_source")
            .table("ingestion")
            .to_owned();
        manager.drop_index(index).await?;
        let column = "ALTER TABLE ingestion DROP COLUMN warnings";
        manager.get_connection().execute_unprepared(column).await?;
        Ok(())
    }
}
