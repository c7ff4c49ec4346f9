//! Another layout of trip patches: those of destinations no longer repeat the origins' coordinates.

use sea_orm_migration::prelude::*;

/// Refuses databases that hold patches of the layout before: they were made by a program that was
/// never released, and would be misread.
#[derive(Debug, DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        let any = Query::select()
            .expr(Expr::val(1))
            .from("trip_patch")
            .limit(1)
            .to_owned();
        match connection.query_one(&any).await? {
            None => Ok(()),
            Some(_) => Err(DbErr::Custom(
                "this database was filled by a development version of before 0.1.0, which laid \
                 trips out in another way: ingest the files again into a new database"
                    .to_owned(),
            )),
        }
    }

    async fn down(&self, _manager: &SchemaManager) -> Result<(), DbErr> {
        Ok(())
    }
}
