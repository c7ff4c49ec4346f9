//! Citus: tables that are spread over the nodes of a cluster.
//!
//! Queue, summaries and rejected rows stay where the programs connect to, on the coordinator. What is
//! read by place is distributed by place (`store/by_place.rs`).

use std::collections::HashSet;

use sea_orm::{ConnectionTrait, DatabaseTransaction};
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgPool;

use crate::store::Error;
use crate::store::by_place::sql_place;

/// Tables that every node has whole, since all others are joined with them.
const REFERENCE: [&str; 2] = ["region", "datasource"];

/// Tables that are cut into shards, and by which column: one that spreads their rows and is in
/// their key.
const DISTRIBUTED: [(&str, &str); 4] = [
    ("trip", "line"),
    ("trip_patch", "place"),
    ("weekly_histogram", "place"),
    ("flow_histogram", "origin_cell"),
];

/// Tables with a cell in their key, and this key. Their rows get the place of the cell, which must be in
/// the key, and an index by it.
const BY_PLACE: [(&str, &str); 2] = [
    ("trip_patch", "trip_end, cell, segment_id, batch"),
    ("weekly_histogram", "trip_end, cell, region_id, iso_year"),
];

/// The settings of `mod.rs` that make planners look up rows by their keys, for the nodes: to these, the
/// coordinator passes on only what is set within a transaction. Bitmaps stay: a node reads several wide
/// ranges with them. With cheap pages, lists are looked up without.
const NODE_PLANS: &str = "SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; \
                          SET LOCAL enable_mergejoin = off; SET LOCAL enable_material = off; \
                          SET LOCAL random_page_cost = 1";
/// How many connections to a node a session of the coordinator keeps, instead of making them anew for
/// each statement: one for each of its shards, by the rule of [`shards`].
pub(super) const KEPT_CONNECTIONS: (&str, &str) = ("citus.max_cached_conns_per_worker", "2");
/// The option of a session that makes it pass on what is set within a transaction.
pub(super) const PASS_ON: (&str, &str) = ("citus.propagate_set_commands", "local");

/// How long all nodes may take to answer, and one to be connected to.
const NODE_TIMEOUT: &str = "SET LOCAL statement_timeout = '4s'; \
                            SET LOCAL citus.node_connection_timeout = '3s'";

/// Spreads the tables that are not yet, where the extension is there. `wanted` makes it, and is
/// refused where no node takes shards; without, the tables stay whole until there is one.
pub(super) async fn distribute(pool: &PgPool, wanted: bool) -> Result<(), Error> {
    if wanted {
        sqlx::query("CREATE EXTENSION IF NOT EXISTS citus")
            .execute(pool)
            .await
            .map_err(Error::Citus)?;
    } else if !has_citus(pool).await? {
        return Ok(());
    }
    if !is_spread(pool, "trip").await? && !has_nodes(pool).await? {
        return if wanted { Err(Error::NoNodes) } else { Ok(()) };
    }
    for (table, key) in BY_PLACE {
        if !is_spread(pool, table).await? {
            add_place(pool, table, key).await?;
        }
    }
    identify_trips(pool).await?;
    let shards = shards(pool).await?;
    let calls = REFERENCE
        .map(|table| (table, format!("create_reference_table('{table}')")))
        .into_iter()
        .chain(DISTRIBUTED.map(|(table, column)| {
            let call =
                format!("create_distributed_table('{table}', '{column}', shard_count => {shards})");
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

/// Adds the place of its cell to each row of a table.
async fn add_place(pool: &PgPool, table: &str, key: &str) -> Result<(), Error> {
    let place = sql_place("cell");
    let sql = format!(
        "ALTER TABLE {table} ADD COLUMN IF NOT EXISTS place bigint; \
         UPDATE {table} SET place = {place} WHERE place IS NULL; \
         ALTER TABLE {table} ALTER COLUMN place SET NOT NULL; \
         ALTER TABLE {table} DROP CONSTRAINT {table}_pkey; \
         ALTER TABLE {table} ADD PRIMARY KEY ({key}, place); \
         CREATE INDEX IF NOT EXISTS {table}_place ON {table} (trip_end, place, cell)"
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(pool).await?;
    Ok(())
}

/// Sets the replica identity of `trip`, which has no primary key, to the whole row: without an identity,
/// Citus refuses to move its shards while they are written.
async fn identify_trips(pool: &PgPool) -> Result<(), Error> {
    let sql = "SELECT relreplident = 'f' FROM pg_class WHERE oid = 'trip'::regclass";
    if !sqlx::query_scalar(sql).fetch_one(pool).await? {
        sqlx::query("ALTER TABLE trip REPLICA IDENTITY FULL")
            .execute(pool)
            .await?;
    }
    Ok(())
}

/// Makes nodes look up rows by their keys, in all statements of a transaction.
pub(in crate::store) async fn plan_lookups(tx: &DatabaseTransaction) -> Result<(), Error> {
    tx.execute_unprepared(NODE_PLANS).await?;
    Ok(())
}

/// Makes a transaction that changes rows on nodes commit in two phases. Citus does so by itself only
/// where several shards are written, else the node commits first, and what was written on the
/// coordinator could be lost after that.
pub(in crate::store) async fn commit_in_two_phases(tx: &DatabaseTransaction) -> Result<(), Error> {
    // A change of several shards, of no row.
    let sql = "DELETE FROM weekly_histogram WHERE trip_end = -1";
    tx.execute_unprepared(sql).await?;
    Ok(())
}

/// Whether the tables are spread over nodes.
pub(super) async fn is_distributed(pool: &PgPool) -> Result<bool, Error> {
    Ok(has_citus(pool).await? && is_spread(pool, "trip").await?)
}

/// Fails where a node of the cluster does not answer.
pub(in crate::store) async fn ping_nodes(pool: &PgPool) -> Result<(), Error> {
    let mut tx = pool.begin().await?;
    sqlx::raw_sql(NODE_TIMEOUT).execute(&mut *tx).await?;
    let sql = "SELECT nodename || ':' || nodeport FROM run_command_on_workers('SELECT 1') \
               WHERE NOT success ORDER BY 1";
    let away: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut *tx).await?;
    if away.is_empty() {
        Ok(())
    } else {
        Err(Error::NodesAway(away.join(", ")))
    }
}

/// The transactions that are prepared on any node, and not yet committed there.
pub(in crate::store) async fn prepared(pool: &PgPool) -> Result<HashSet<String>, Error> {
    let mut tx = pool.begin().await?;
    sqlx::raw_sql(NODE_TIMEOUT).execute(&mut *tx).await?;
    let sql = "SELECT nodename || ':' || nodeport, success, result \
               FROM run_command_on_workers($$SELECT coalesce(string_agg(gid, ' '), '') \
               FROM pg_prepared_xacts WHERE database = current_database() \
               AND starts_with(gid, 'citus_')$$)";
    let nodes: Vec<(String, bool, Option<String>)> =
        sqlx::query_as(sql).fetch_all(&mut *tx).await?;
    let mut prepared = HashSet::new();
    for (node, success, ids) in nodes {
        let ids = ids.filter(|_| success).ok_or(Error::NodesAway(node))?;
        let ids = ids.split(' ').filter(|id| !id.is_empty());
        prepared.extend(ids.map(str::to_owned));
    }
    Ok(prepared)
}

/// Whether an internal error of the coordinator says that it can't reach a node: Citus gives most of
/// these a code of their own, but not all.
pub(super) fn is_node_away(message: &str) -> bool {
    [
        "failure on connection marked as essential",
        "connection to the remote node",
        "could not establish any connections to the node",
        "connection not open",
    ]
    .iter()
    .any(|start| message.starts_with(start))
}

/// Shards of each table: two for each node that takes them, so that all cores of small nodes work and
/// a statement is not sent in many parts. `citus.shard_count` decides where it was set; more let a
/// cluster grow to as many nodes. At least two, for [`commit_in_two_phases`].
async fn shards(pool: &PgPool) -> Result<i64, Error> {
    let sql = "SELECT CASE WHEN source = 'default' THEN (SELECT GREATEST(2 * COUNT(*), 4) \
               FROM pg_dist_node WHERE isactive AND noderole = 'primary' AND shouldhaveshards) \
               ELSE GREATEST(setting::bigint, 2) END \
               FROM pg_settings WHERE name = 'citus.shard_count'";
    let shards: Option<i64> = sqlx::query_scalar(sql).fetch_optional(pool).await?;
    Ok(shards.unwrap_or(4))
}

/// Whether a registered node takes shards: a worker, or a coordinator that was told to.
async fn has_nodes(pool: &PgPool) -> Result<bool, Error> {
    let sql = "SELECT EXISTS (SELECT 1 FROM pg_dist_node \
               WHERE isactive AND noderole = 'primary' AND shouldhaveshards)";
    Ok(sqlx::query_scalar(sql).fetch_one(pool).await?)
}

async fn has_citus(pool: &PgPool) -> Result<bool, Error> {
    let sql = "SELECT EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'citus')";
    Ok(sqlx::query_scalar(sql).fetch_one(pool).await?)
}

async fn is_spread(pool: &PgPool, table: &str) -> Result<bool, Error> {
    let sql = "SELECT EXISTS (SELECT 1 FROM pg_dist_partition WHERE logicalrelid = $1::regclass)";
    Ok(sqlx::query_scalar(sql).bind(table).fetch_one(pool).await?)
}
