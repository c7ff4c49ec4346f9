//! Citus: tables that are spread over the nodes of a cluster.
//!
//! Queue, summaries and rejected rows stay where the programs connect to, on the coordinator.

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgPool;

use crate::store::Error;

/// Tables that every node has whole, since all others are joined with them.
const REFERENCE: [&str; 2] = ["region", "datasource"];

/// Tables that are cut into shards, and by which column: one that spreads their rows and is in
/// their key.
const DISTRIBUTED: [(&str, &str); 4] = [
    ("trip", "line"),
    ("trip_patch", "cell"),
    ("weekly_histogram", "cell"),
    ("flow_histogram", "origin_cell"),
];

/// Spreads the tables that are not yet, where the extension is there. `wanted` makes it.
pub(super) async fn distribute(pool: &PgPool, wanted: bool) -> Result<(), Error> {
    if wanted {
        sqlx::query("CREATE EXTENSION IF NOT EXISTS citus")
            .execute(pool)
            .await
            .map_err(Error::Citus)?;
    } else if !has_citus(pool).await? {
        return Ok(());
    }
    let calls = REFERENCE
        .map(|table| (table, format!("create_reference_table('{table}')")))
        .into_iter()
        .chain(DISTRIBUTED.map(|(table, column)| {
            let call = format!("create_distributed_table('{table}', '{column}')");
            (table, call)
        }));
    for (table, call) in calls {
        if !is_spread(pool, table).await? {
            tracing::info!(table, "distributing");
            sqlx::query(AssertSqlSafe(format!("SELECT {call}")))
                .execute(pool)
                .await?;
        }
    }
    Ok(())
}

/// Whether the tables are spread over nodes.
pub(super) async fn is_distributed(pool: &PgPool) -> Result<bool, Error> {
    Ok(has_citus(pool).await? && is_spread(pool, "trip").await?)
}

async fn has_citus(pool: &PgPool) -> Result<bool, Error> {
    let sql = "SELECT EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'citus')";
    Ok(sqlx::query_scalar(sql).fetch_one(pool).await?)
}

async fn is_spread(pool: &PgPool, table: &str) -> Result<bool, Error> {
    let sql = "SELECT EXISTS (SELECT 1 FROM pg_dist_partition WHERE logicalrelid = $1::regclass)";
    Ok(sqlx::query_scalar(sql).bind(table).fetch_one(pool).await?)
}
