//! The schema of tripgraph's database and how it came to be, for SQLite and PostgreSQL.

pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::{MigrationTrait, async_trait};

mod m20261123_000001_create_tables;
mod m20261124_000002_add_workers;
mod m20261124_000003_slim_patches;
mod m20261124_000004_count_editions;

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
        ]
    }
}
