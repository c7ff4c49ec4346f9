//! Multi-row inserts: a statement for each row would cost ten times as much.

use std::fmt::Write as _;

use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments, AssertSqlSafe, Sqlite, SqliteConnection};

use crate::store::Error;

/// A statement with what it is about.
pub(super) struct Insert {
    pub(super) sql: String,
    pub(super) arguments: SqliteArguments,
    /// Whether it comes again, and is worth keeping prepared: where it has its full length.
    pub(super) again: bool,
}

/// `head` followed by `rows` times `row`.
pub(super) fn statement(head: &str, row: &str, rows: usize) -> String {
    let mut sql = String::with_capacity(head.len() + (row.len() + 1) * rows);
    sql.push_str(head);
    for index in 0..rows {
        let comma = if index == 0 { "" } else { "," };
        // Writing to a string cannot fail.
        let _ = write!(sql, "{comma}{row}");
    }
    sql
}

/// Adds a parameter.
pub(super) fn add<'t, T>(arguments: &mut SqliteArguments, value: T) -> Result<(), Error>
where
    T: sqlx::Encode<'t, Sqlite> + sqlx::Type<Sqlite>,
{
    arguments
        .add(value)
        .map_err(|error| Error::Load(sqlx::Error::Encode(error)))
}

/// Executes statements one after the other, and makes the next while the database is at one.
pub(super) async fn execute_all(
    connection: &mut SqliteConnection,
    mut inserts: impl Iterator<Item = Result<Insert, Error>>,
) -> Result<(), Error> {
    let mut next = inserts.next();
    while let Some(insert) = next {
        let (executed, made) = tokio::join!(execute(connection, insert?), async { inserts.next() });
        executed?;
        next = made;
    }
    Ok(())
}

async fn execute(connection: &mut SqliteConnection, insert: Insert) -> Result<(), Error> {
    sqlx::query_with(AssertSqlSafe(insert.sql), insert.arguments)
        .persistent(insert.again)
        .execute(connection)
        .await?;
    Ok(())
}
