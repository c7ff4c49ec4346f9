use std::time::SystemTime;

use migration::MigratorTrait;
use sea_orm::{DatabaseConnection, DbErr};

use super::Error;

/// Brings the schema up to date.
pub(super) async fn migrate(connection: &DatabaseConnection) -> Result<(), Error> {
    let pending = migration::Migrator::get_pending_migrations(connection).await;
    if pending.map_err(Error::Migrate)?.is_empty() {
        return Ok(());
    }
    if SystemTime::now() < SystemTime::UNIX_EPOCH {
        // The library notes when it was, and would panic.
        let reason = "the clock of this machine is before 1970: set it, then start again";
        return Err(Error::Migrate(DbErr::Custom(reason.to_owned())));
    }
    migration::Migrator::up(connection, None)
        .await
        .map_err(Error::Migrate)
}
