//! The schema of tripgraph's database and how it came to be, for SQLite and PostgreSQL.

pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::prelude::*;

mod m20261123_000001_create_tables;
mod m20261124_000002_add_workers;
mod m20261124_000003_slim_patches;
mod m20261124_000004_count_editions;
mod m20261125_000005_pack_columns;
mod m20261125_000006_flows_by_day;

/// Every migration, oldest first.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261123_000001_create_tables::Migration),
            Box::new(m20261124_000002_add_workers::Migration),
            Box::new(m20261124_000003_slim_patches::Migration),
            Box::new(m20261124_000004_count_editions::Migration),
            Box::new(m20261125_000005_pack_columns::Migration),
            Box::new(m20261125_000006_flows_by_day::Migration),
        ]
    }
}

/// Refuses databases that hold patches, before their layout changes: they were made by a program
/// that was never released, and would be misread.
async fn refuse_filled(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let any = Query::select()
        .expr(Expr::val(1))
        .from("trip_patch")
        .limit(1)
        .to_owned();
    match manager.get_connection().query_one(&any).await? {
        None => Ok(()),
        Some(_) => Err(DbErr::Custom(
            "this database was filled by a development version of before 0.1.0, which laid trips \
             out in another way: ingest the files again into a new database"
                .to_owned(),
        )),
    }
}
