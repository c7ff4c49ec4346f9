//! Another layout of trip patches: those of destinations no longer repeat the origins' coordinates.

use sea_orm_migration::prelude::*;

/// Refuses databases that hold patches of the layout before: they were made by a program that was
/// never released, and would be misread.
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
