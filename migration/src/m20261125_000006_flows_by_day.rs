//! Another layout of flows: each is of one datasource, with the trips of its half-hours side by side.

use sea_orm_migration::prelude::*;

/// Refuses databases that hold flows of the layout before: they were made by a program that was never
/// released, and would be misread.
#[derive(Debug, DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::refuse_filled(manager).await
    }

    async fn down(&self, _manager: &SchemaManager) -> Result<(), DbErr> {
        Ok(())
    }
}
