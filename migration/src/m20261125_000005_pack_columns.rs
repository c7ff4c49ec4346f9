//! Another layout of what is packed: patches as columns, and all flows from one cell in one row.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

/// Refuses databases that hold the layout before, and makes the table of flows anew.
#[derive(Debug, DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::refuse_filled(manager).await?;
        manager
            .drop_table(Table::drop().table("flow_histogram").to_owned())
            .await?;
        let mut flows = Table::create();
        flows
            .table("flow_histogram")
            .col(ColumnDef::new("origin_cell").big_integer().not_null())
            .col(ColumnDef::new("flows").blob().not_null())
            .primary_key(Index::create().col("origin_cell"));
        if manager.get_database_backend() == DbBackend::Sqlite {
            flows.extra("WITHOUT ROWID");
        }
        manager.create_table(flows).await
    }

    async fn down(&self, _manager: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration(
            "the layout before is no longer known".to_owned(),
        ))
    }
}
