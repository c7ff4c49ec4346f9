//! Statements, and the values of the rows that they find.

use std::fmt::Write as _;
use std::sync::Arc;

use sea_orm::{ConnectionTrait, DbErr, QueryResult, RuntimeErr, Statement, TryGetable, Value};
use sqlx::Row;

/// A statement for the connection's own engine.
pub(super) fn statement(
    connection: &impl ConnectionTrait,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Statement {
    Statement::from_sql_and_values(connection.get_database_backend(), sql, values)
}

/// The value of a column by its place.
pub(super) fn column<T: TryGetable>(row: &QueryResult, index: usize) -> Result<T, DbErr> {
    row.try_get_by_index(index)
}

/// The bytes of a column by its place, as they lie in the row: patches are large, and many.
pub(super) fn bytes(row: &QueryResult, index: usize) -> Result<&[u8], DbErr> {
    let bytes = match (row.try_as_sqlite_row(), row.try_as_pg_row()) {
        (Some(row), _) => row.try_get(index),
        (_, Some(row)) => row.try_get(index),
        _ => Err(sqlx::Error::ColumnIndexOutOfBounds { index, len: 0 }),
    };
    bytes.map_err(|error| DbErr::Query(RuntimeErr::SqlxError(Arc::new(error))))
}

/// Columns of a row with their values, for people, after others.
pub(super) fn named(row: &QueryResult, columns: &[&str], mut text: String) -> String {
    for &column in columns {
        let comma = if text.is_empty() { "" } else { ", " };
        // Any column of a corrupt row may be unreadable. Writing to a string cannot fail.
        let _ = match number(row, column) {
            Some(number) => write!(text, "{comma}{column} = {number}"),
            None => write!(text, "{comma}{column} = ?"),
        };
    }
    text
}

/// A whole number, of whatever width.
fn number(row: &QueryResult, column: &str) -> Option<i64> {
    let long = || row.try_get::<i64>("", column).ok();
    let int = || row.try_get::<i32>("", column).ok().map(i64::from);
    let short = || row.try_get::<i16>("", column).ok().map(i64::from);
    long().or_else(int).or_else(short)
}

/// A number without sign as the database stores it; H3 indexes leave the sign bit free.
pub(super) fn key(number: u64) -> Value {
    number.cast_signed().into()
}
