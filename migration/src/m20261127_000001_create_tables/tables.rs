//! The tables and their indexes.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

pub(super) fn dimension(name: &'static str) -> TableCreateStatement {
    Table::create()
        .table(name)
        .col(
            ColumnDef::new("id")
                .integer()
                .not_null()
                .auto_increment()
                .primary_key(),
        )
        .col(ColumnDef::new("name").text().not_null().unique_key())
        .to_owned()
}

pub(super) fn ingestion() -> TableCreateStatement {
    let counter = |name| {
        ColumnDef::new(name)
            .big_integer()
            .not_null()
            .default(0)
            .to_owned()
    };
    Table::create()
        .table("ingestion")
        .col(
            ColumnDef::new("id")
                .big_integer()
                .not_null()
                .auto_increment()
                .primary_key(),
        )
        .col(ColumnDef::new("source").text().not_null())
        .col(ColumnDef::new("state").text().not_null())
        .col(ColumnDef::new("content_hash").text().not_null())
        .col(ColumnDef::new("idempotency_key").text().unique_key())
        .col(ColumnDef::new("path").text().not_null())
        .col(ColumnDef::new("spooled").boolean().not_null())
        .col(ColumnDef::new("spool").text().not_null().default(""))
        // A worker that is gone leaves its ingestions to the others.
        .col(ColumnDef::new("worker_id").text())
        .foreign_key(
            ForeignKey::create()
                .from("ingestion", "worker_id")
                .to("worker", "id")
                .on_delete(ForeignKeyAction::SetNull),
        )
        .col(ColumnDef::new("claims").integer().not_null().default(0))
        .col(ColumnDef::new("max_rejected_rows").big_integer())
        .col(ColumnDef::new("replaces").big_integer())
        .col(ColumnDef::new("bytes_total").big_integer().not_null())
        .col(counter("bytes_read"))
        .col(counter("next_line"))
        .col(counter("rows_read"))
        .col(counter("rows_ingested"))
        .col(counter("rows_rejected"))
        .col(ColumnDef::new("batches").integer().not_null().default(0))
        .col(counter("head_bytes"))
        .col(ColumnDef::new("head_hash").text().not_null().default(""))
        .col(
            ColumnDef::new("has_rows")
                .boolean()
                .not_null()
                .default(false),
        )
        .col(ColumnDef::new("segment_id").big_integer())
        .col(ColumnDef::new("error_code").text())
        .col(ColumnDef::new("error_message").text())
        .col(ColumnDef::new("warnings").text().not_null().default("[]"))
        .col(ColumnDef::new("format").text().not_null().default("{}"))
        .col(ColumnDef::new("findings").text().not_null().default("{}"))
        .col(
            ColumnDef::new("created_at")
                .timestamp_with_time_zone()
                .not_null(),
        )
        .col(ColumnDef::new("started_at").timestamp_with_time_zone())
        .col(ColumnDef::new("finished_at").timestamp_with_time_zone())
        .to_owned()
}

/// Where trips lie: an ingestion writes a segment, and segments of small ones are merged into one.
pub(super) fn segment() -> TableCreateStatement {
    let counter = |name| {
        ColumnDef::new(name)
            .big_integer()
            .not_null()
            .default(0)
            .to_owned()
    };
    Table::create()
        .table("segment")
        .col(
            ColumnDef::new("id")
                .big_integer()
                .not_null()
                .auto_increment()
                .primary_key(),
        )
        .col(ColumnDef::new("state").text().not_null())
        .col(counter("trips"))
        .col(ColumnDef::new("revision").integer().not_null().default(0))
        // A program that is gone leaves what it merged to be purged.
        .col(ColumnDef::new("worker_id").text())
        .foreign_key(
            ForeignKey::create()
                .from("segment", "worker_id")
                .to("worker", "id")
                .on_delete(ForeignKeyAction::SetNull),
        )
        .col(counter("sql_rows"))
        .col(ColumnDef::new("sql_batch").integer().not_null().default(0))
        .col(counter("sql_cell"))
        .col(counter("sql_trip"))
        .col(
            ColumnDef::new("sql_complete")
                .boolean()
                .not_null()
                .default(false),
        )
        .col(ColumnDef::new("joined").boolean().not_null().default(false))
        .to_owned()
}

/// Every answer asks which segments have trips that must not be seen yet, or any more.
pub(super) fn segment_unseen() -> IndexCreateStatement {
    Index::create()
        .name("segment_unseen")
        .table("segment")
        .col("id")
        .and_where(Expr::col("state").ne("LIVE"))
        .to_owned()
}

pub(super) fn ingestion_indexes() -> [IndexCreateStatement; 6] {
    let on = |name: &'static str, column: &'static str| {
        Index::create()
            .name(name)
            .table("ingestion")
            .col(column)
            .to_owned()
    };
    [
        on("ingestion_state", "state"),
        on("ingestion_content_hash", "content_hash"),
        on("ingestion_source", "source"),
        // Which ingestions have rows to be purged.
        on("ingestion_hidden", "id")
            .and_where(Expr::col("has_rows"))
            .and_where(Expr::col("state").ne("SUCCEEDED"))
            .to_owned(),
        on("ingestion_segment", "segment_id"),
        on("ingestion_replaces", "replaces")
            .and_where(Expr::col("replaces").is_not_null())
            .to_owned(),
    ]
}

pub(super) fn ingestion_locations() -> TableCreateStatement {
    Table::create()
        .table("ingestion_locations")
        .col(
            ColumnDef::new("ingestion_id")
                .big_integer()
                .not_null()
                .primary_key(),
        )
        .col(ColumnDef::new("locations").text().not_null())
        .to_owned()
}

pub(super) fn rejected_row() -> TableCreateStatement {
    Table::create()
        .table("rejected_row")
        .col(ColumnDef::new("ingestion_id").big_integer().not_null())
        .col(ColumnDef::new("line").big_integer().not_null())
        .col(ColumnDef::new("column_name").text())
        .col(ColumnDef::new("reason").text().not_null())
        .col(ColumnDef::new("raw").text().not_null())
        .primary_key(Index::create().col("ingestion_id").col("line"))
        .to_owned()
}

pub(super) fn trip_summary() -> TableCreateStatement {
    Table::create()
        .table("trip_summary")
        .col(ColumnDef::new("ingestion_id").big_integer().not_null())
        .col(ColumnDef::new("region_id").integer().not_null())
        .col(ColumnDef::new("datasource_id").integer().not_null())
        .col(ColumnDef::new("trips").big_integer().not_null())
        .col(ColumnDef::new("first_departed_at").timestamp().not_null())
        .col(ColumnDef::new("last_departed_at").timestamp().not_null())
        .col(ColumnDef::new("departures").big_integer().not_null())
        .col(ColumnDef::new("west").double().not_null())
        .col(ColumnDef::new("south").double().not_null())
        .col(ColumnDef::new("east").double().not_null())
        .col(ColumnDef::new("north").double().not_null())
        .primary_key(
            Index::create()
                .col("ingestion_id")
                .col("region_id")
                .col("datasource_id"),
        )
        .to_owned()
}

/// A removal adds up anew what is left of the pairs that it touches.
pub(super) fn trip_summary_pair() -> IndexCreateStatement {
    Index::create()
        .name("trip_summary_pair")
        .table("trip_summary")
        .col("region_id")
        .col("datasource_id")
        .to_owned()
}

pub(super) fn trip_total() -> TableCreateStatement {
    Table::create()
        .table("trip_total")
        .col(ColumnDef::new("region_id").integer().not_null())
        .col(ColumnDef::new("datasource_id").integer().not_null())
        .col(ColumnDef::new("trips").big_integer().not_null())
        .col(ColumnDef::new("first_departed_at").timestamp().not_null())
        .col(ColumnDef::new("last_departed_at").timestamp().not_null())
        .col(ColumnDef::new("west").double().not_null())
        .col(ColumnDef::new("south").double().not_null())
        .col(ColumnDef::new("east").double().not_null())
        .col(ColumnDef::new("north").double().not_null())
        .primary_key(Index::create().col("region_id").col("datasource_id"))
        .to_owned()
}

/// Sets of zones. One that is imported anew gets another number.
pub(super) fn zone_set() -> TableCreateStatement {
    Table::create()
        .table("zone_set")
        .col(
            ColumnDef::new("id")
                .big_integer()
                .not_null()
                .auto_increment()
                .primary_key(),
        )
        .col(ColumnDef::new("name").text().not_null().unique_key())
        .to_owned()
}

/// Zones in the order of their file; boundaries are GeoJSON geometries.
pub(super) fn zone() -> TableCreateStatement {
    Table::create()
        .table("zone")
        .col(ColumnDef::new("set_id").big_integer().not_null())
        .col(ColumnDef::new("number").big_integer().not_null())
        .col(ColumnDef::new("key").text().not_null())
        .col(ColumnDef::new("name").text().not_null())
        .col(ColumnDef::new("boundary").text().not_null())
        .primary_key(Index::create().col("set_id").col("number"))
        .to_owned()
}

/// Rows for people who ask with SQL. They have no key: it would be half of what a row costs.
pub(super) fn trip() -> TableCreateStatement {
    let mut table = Table::create();
    table
        .table("trip")
        .col(ColumnDef::new("ingestion_id").big_integer().not_null())
        .col(ColumnDef::new("line").big_integer().not_null())
        .col(ColumnDef::new("region_id").integer().not_null())
        .col(ColumnDef::new("datasource_id").integer().not_null());
    for coordinate in [
        "origin_lon",
        "origin_lat",
        "destination_lon",
        "destination_lat",
    ] {
        table.col(ColumnDef::new(coordinate).double().not_null());
    }
    table
        .col(ColumnDef::new("departed_at").big_integer().not_null())
        .col(ColumnDef::new("arrived_at").big_integer())
        .to_owned()
}

/// Finds the rows of an ingestion, for removal. They are neighbours in the table, so PostgreSQL
/// needs only a summary of each range of pages.
pub(super) fn trip_ingestion(backend: DbBackend) -> IndexCreateStatement {
    let mut index = Index::create();
    index
        .name("trip_ingestion")
        .table("trip")
        .col("ingestion_id");
    if backend == DbBackend::Postgres {
        index.index_type(IndexType::Custom("brin".into_iden()));
    }
    index
}

/// One row: how often what is in the answers has changed, and how often the place of trips.
pub(super) fn edition() -> TableCreateStatement {
    Table::create()
        .table("edition")
        .col(
            ColumnDef::new("id")
                .integer()
                .not_null()
                .primary_key()
                .check(Expr::cust("id = 1")),
        )
        .col(ColumnDef::new("number").big_integer().not_null())
        .col(ColumnDef::new("layout").big_integer().not_null())
        .col(ColumnDef::new("fingerprint").big_integer().not_null())
        .col(ColumnDef::new("settled").boolean().not_null())
        .to_owned()
}

/// A program that works on the queue.
pub(super) fn worker() -> TableCreateStatement {
    Table::create()
        .table("worker")
        .col(ColumnDef::new("id").text().not_null().primary_key())
        .col(ColumnDef::new("name").text().not_null())
        .col(ColumnDef::new("spool").text().not_null())
        .col(ColumnDef::new("serves").boolean().not_null())
        .col(ColumnDef::new("lease_seconds").double().not_null())
        .col(
            ColumnDef::new("heartbeat_at")
                .timestamp_with_time_zone()
                .not_null()
                .default(Expr::current_timestamp()),
        )
        .to_owned()
}

pub(super) fn weekly_histogram() -> TableCreateStatement {
    Table::create()
        .table("weekly_histogram")
        .col(ColumnDef::new("trip_end").small_integer().not_null())
        .col(ColumnDef::new("cell").big_integer().not_null())
        .col(ColumnDef::new("region_id").integer().not_null())
        .col(ColumnDef::new("iso_year").integer().not_null())
        .col(ColumnDef::new("counters").blob().not_null())
        .primary_key(
            Index::create()
                .col("trip_end")
                .col("cell")
                .col("region_id")
                .col("iso_year"),
        )
        .to_owned()
}

pub(super) fn flow_histogram() -> TableCreateStatement {
    Table::create()
        .table("flow_histogram")
        .col(ColumnDef::new("origin_cell").big_integer().not_null())
        .col(ColumnDef::new("flows").blob().not_null())
        .primary_key(Index::create().col("origin_cell"))
        .to_owned()
}

pub(super) fn trip_patch() -> TableCreateStatement {
    Table::create()
        .table("trip_patch")
        .col(ColumnDef::new("trip_end").small_integer().not_null())
        .col(ColumnDef::new("cell").big_integer().not_null())
        .col(ColumnDef::new("segment_id").big_integer().not_null())
        .col(ColumnDef::new("batch").integer().not_null())
        .col(ColumnDef::new("checksum").big_integer().not_null())
        .col(ColumnDef::new("keys").blob().not_null())
        .col(ColumnDef::new("points").blob().not_null())
        .col(ColumnDef::new("others").blob().not_null())
        .col(ColumnDef::new("rest").blob().not_null())
        .primary_key(
            Index::create()
                .col("trip_end")
                .col("cell")
                .col("segment_id")
                .col("batch"),
        )
        .to_owned()
}
