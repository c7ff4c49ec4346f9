use std::time::SystemTime;

use migration::MigratorTrait;
use sea_orm::{DatabaseConnection, DbErr};

use super::Error;
use super::commit::{CommitPoint, committed};

/// Brings the schema up to date.
pub(super) async fn migrate(connection: &DatabaseConnection) -> Result<(), Error> {
    refuse_unknown(connection).await.map_err(Error::Migrate)?;
    let pending = migration::Migrator::get_pending_migrations(connection).await;
    if pending.map_err(Error::Migrate)?.is_empty() {
        return Ok(());
    }
    if SystemTime::now() < SystemTime::UNIX_EPOCH {
        // The library notes when it was, and would panic.
        let reason = "the clock of this machine is before 1970: set it, then start again";
        return Err(Error::Migrate(DbErr::Custom(reason.to_owned())));
    }
    let migrated = async {
        let migrated = migration::Migrator::up(connection, None).await;
        migrated.map_err(Error::Migrate)
    };
    committed(CommitPoint::Migrate, migrated).await
}

/// Refuses a database with migrations that this program does not have: what it holds would be
/// misread.
async fn refuse_unknown(connection: &DatabaseConnection) -> Result<(), DbErr> {
    let known: Vec<_> = migration::Migrator::migrations();
    let known: Vec<_> = known.iter().map(|migration| migration.name()).collect();
    let applied = migration::Migrator::get_migration_models(connection).await?;
    match applied
        .iter()
        .find(|model| !known.contains(&model.version.as_str()))
    {
        None => Ok(()),
        Some(_) => Err(DbErr::Custom(
            "this database was made by a newer version of tripgraph, or by a development version \
             from before 0.1.0: use that version, or ingest the files again into a new database"
                .to_owned(),
        )),
    }
}
