//! How often what is in the answers has changed.

use sea_orm_migration::prelude::*;

/// Adds the number of the edition, in a table of one row. Each publication and each removal counts
/// it up, so that two snapshots of one number hold the same trips.
#[derive(Debug, DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("edition")
                    .col(
                        ColumnDef::new("id")
                            .integer()
                            .not_null()
                            .primary_key()
                            .check(Expr::cust("id = 1")),
                    )
                    .col(ColumnDef::new("number").big_integer().not_null())
                    .to_owned(),
            )
            .await?;
        let first = "INSERT INTO edition (id, number) VALUES (1, 0)";
        manager.get_connection().execute_unprepared(first).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .drop_table(Table::drop().table("edition").to_owned())
            .await
    }
}
