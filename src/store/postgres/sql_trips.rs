//! Rows of `trip`, written with binary `COPY`.

use sqlx::PgConnection;
use sqlx::postgres::PgPool;

use super::SQL_ROWS_LOCK;
use super::copy::Copy;
use crate::model::IngestionId;
use crate::store::commit::{CommitPoint, committed};
use crate::store::sql_trips::ADVANCE;
use crate::store::{Error, SqlBlock, SqlTrip};

/// Pages of `trip` whose rows are deleted in one transaction: about 65,536 rows.
const PAGES: i64 = 800;

/// Writes a block in one transaction, if the cursor is where it begins.
pub(in crate::store) async fn write_sql_block(
    pool: &PgPool,
    block: &SqlBlock,
    distributed: bool,
) -> Result<bool, Error> {
    let mut tx = pool.begin().await?;
    if distributed {
        wait_for_readers(&mut tx).await?;
    }
    // What is lost with the server's memory is lost with its cursor.
    sqlx::query("SET LOCAL synchronous_commit TO off")
        .execute(&mut *tx)
        .await?;
    // Until the commit, others who would write the same rows wait here, as does a removal.
    let advanced = sqlx::query(ADVANCE)
        .bind(block.rows())
        .bind(block.to.batch.cast_signed())
        .bind(block.to.cell.cast_signed())
        .bind(block.to.trip.cast_signed())
        .bind(block.completes)
        .bind(block.segment)
        .bind(block.from.batch.cast_signed())
        .bind(block.from.cell.cast_signed())
        .bind(block.from.trip.cast_signed())
        .bind(block.revision)
        .execute(&mut *tx)
        .await?;
    if advanced.rows_affected() == 0 {
        tx.rollback().await?;
        return Ok(false);
    }
    if !block.trips.is_empty() {
        copy_trips(&mut tx, &block.trips).await?;
    }
    committed(CommitPoint::SqlRows, tx.commit()).await?;
    Ok(true)
}

async fn copy_trips(connection: &mut PgConnection, trips: &[SqlTrip]) -> Result<(), Error> {
    let columns = [
        "ingestion_id",
        "line",
        "region_id",
        "datasource_id",
        "origin_lon",
        "origin_lat",
        "destination_lon",
        "destination_lat",
        "departed_at",
        "arrived_at",
    ];
    let mut copy = Copy::begin(connection, "trip", &columns).await?;
    for trip in trips {
        let copy = copy
            .row()
            .await?
            .value(&trip.ingestion.to_be_bytes())
            .value(&trip.line.to_be_bytes())
            .value(&trip.region.to_be_bytes())
            .value(&trip.datasource.to_be_bytes())
            .value(&trip.origin.lon().to_be_bytes())
            .value(&trip.origin.lat().to_be_bytes())
            .value(&trip.destination.lon().to_be_bytes())
            .value(&trip.destination.lat().to_be_bytes())
            .value(&trip.departed_at.micros().to_be_bytes());
        match trip.arrived_at {
            Some(time) => copy.value(&time.micros().to_be_bytes()),
            None => copy.null(),
        };
    }
    copy.finish().await
}

/// Deletes the rows of an ingestion: some pages of the table at a time, or all at once where it is
/// distributed and has no pages of its own.
pub(in crate::store) async fn delete_sql_trips(
    pool: &PgPool,
    id: IngestionId,
    distributed: bool,
) -> Result<(), Error> {
    if distributed {
        return delete_all(pool, id).await;
    }
    let Some((first, last)) = pages(pool, id).await? else {
        return Ok(());
    };
    let mut page = first;
    while page <= last {
        let sql = "DELETE FROM trip WHERE ingestion_id = $1 \
                   AND ctid >= format('(%s,0)', $2)::tid AND ctid < format('(%s,0)', $3)::tid";
        let deleted = sqlx::query(sql)
            .bind(id)
            .bind(page)
            .bind(page + PAGES)
            .execute(pool);
        committed(CommitPoint::PurgeSqlRows, deleted).await?;
        page += PAGES;
    }
    Ok(())
}

async fn delete_all(pool: &PgPool, id: IngestionId) -> Result<(), Error> {
    let mut tx = pool.begin().await?;
    wait_for_readers(&mut tx).await?;
    use_index(&mut tx).await?;
    sqlx::query("DELETE FROM trip WHERE ingestion_id = $1")
        .bind(id)
        .execute(&mut *tx)
        .await?;
    committed(CommitPoint::PurgeSqlRows, tx.commit()).await
}

/// Waits for those that `hold_back_sql_rows`.
async fn wait_for_readers(connection: &mut PgConnection) -> Result<(), Error> {
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(SQL_ROWS_LOCK)
        .execute(connection)
        .await?;
    Ok(())
}

/// The first and the last page that hold rows of an ingestion. Other ingestions may have rows between.
async fn pages(pool: &PgPool, id: IngestionId) -> Result<Option<(i64, i64)>, Error> {
    let mut tx = pool.begin().await?;
    use_index(&mut tx).await?;
    let page = |ctid: &str| format!("((CAST({ctid}(ctid) AS text)::point)[0])::bigint");
    let sql = format!(
        "SELECT {}, {} FROM trip WHERE ingestion_id = $1",
        page("MIN"),
        page("MAX")
    );
    let (first, last): (Option<i64>, Option<i64>) = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(id)
        .fetch_one(&mut *tx)
        .await?;
    tx.rollback().await?;
    Ok(first.zip(last))
}

/// The index of trips by ingestion is one of ranges of pages, which only such a scan can use.
async fn use_index(connection: &mut PgConnection) -> Result<(), Error> {
    sqlx::query("SET LOCAL enable_bitmapscan TO on")
        .execute(connection)
        .await?;
    Ok(())
}
