//! The schema: ingestions and their workers, trips, and what is packed and summed up from them.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

/// Creates every table, and the view in which people read trips.
#[derive(Debug, DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for name in ["region", "datasource"] {
            manager.create_table(dimension(name)).await?;
        }
        manager.create_table(worker()).await?;
        manager.create_table(ingestion()).await?;
        for index in ingestion_indexes() {
            manager.create_index(index).await?;
        }
        manager.create_table(rejected_row()).await?;
        manager.create_table(trip_summary()).await?;

        let backend = manager.get_database_backend();
        manager.create_table(trip()).await?;
        manager.create_index(trip_ingestion(backend)).await?;
        manager.create_table(edition()).await?;
        manager
            .create_table(clustered(weekly_histogram(), backend))
            .await?;
        manager
            .create_table(clustered(flow_histogram(), backend))
            .await?;
        // Patches come in the order of arrival and are large: a clustered key would move them about.
        manager.create_table(trip_patch()).await?;
        manager
            .create_index(
                Index::create()
                    .name("trip_patch_ingestion")
                    .table("trip_patch")
                    .col("ingestion_id")
                    .col("batch")
                    .col("trip_end")
                    .col("cell")
                    .to_owned(),
            )
            .await?;
        let connection = manager.get_connection();
        if backend == DbBackend::Postgres {
            for sql in POSTGRES_STORAGE {
                connection.execute_unprepared(sql).await?;
            }
        }
        connection
            .execute_unprepared("INSERT INTO edition (id, number) VALUES (1, 0)")
            .await?;
        connection
            .execute_unprepared(&visible_trip(backend))
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .get_connection()
            .execute_unprepared("DROP VIEW visible_trip")
            .await?;
        for table in [
            "edition",
            "trip_patch",
            "flow_histogram",
            "weekly_histogram",
            "trip",
            "trip_summary",
            "rejected_row",
            "ingestion",
            "worker",
            "datasource",
            "region",
        ] {
            manager
                .drop_table(Table::drop().table(table).to_owned())
                .await?;
        }
        Ok(())
    }
}

/// How PostgreSQL lays out what is packed: patches are not worth compressing, and what a histogram
/// becomes should fit beside what it was, so that no index has to change. Names are sorted as
/// SQLite sorts them, whatever the database's language. Trips and patches are only added, and
/// need no vacuum before their transaction numbers grow old: it would read them while more come in.
/// So the index of trips has its new pages summarised without one.
const POSTGRES_STORAGE: [&str; 11] = [
    "ALTER TABLE trip_patch ALTER COLUMN keys SET STORAGE EXTERNAL",
    "ALTER TABLE trip_patch ALTER COLUMN points SET STORAGE EXTERNAL",
    "ALTER TABLE trip_patch ALTER COLUMN others SET STORAGE EXTERNAL",
    "ALTER TABLE trip_patch ALTER COLUMN rest SET STORAGE EXTERNAL",
    "ALTER TABLE weekly_histogram SET (fillfactor = 50)",
    "ALTER TABLE flow_histogram SET (fillfactor = 50)",
    r#"ALTER TABLE region ALTER COLUMN name TYPE text COLLATE "C""#,
    r#"ALTER TABLE datasource ALTER COLUMN name TYPE text COLLATE "C""#,
    "ALTER TABLE trip SET (autovacuum_vacuum_insert_threshold = -1)",
    "ALTER INDEX trip_ingestion SET (autosummarize = on)",
    "ALTER TABLE trip_patch SET (autovacuum_vacuum_insert_threshold = -1, \
     toast.autovacuum_vacuum_insert_threshold = -1)",
];

fn dimension(name: &'static str) -> TableCreateStatement {
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

fn ingestion() -> TableCreateStatement {
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
        .col(counter("sql_rows"))
        .col(ColumnDef::new("sql_batch").integer().not_null().default(0))
        .col(
            ColumnDef::new("sql_cell")
                .big_integer()
                .not_null()
                .default(0),
        )
        .col(counter("sql_trip"))
        .col(
            ColumnDef::new("sql_complete")
                .boolean()
                .not_null()
                .default(false),
        )
        .col(ColumnDef::new("error_code").text())
        .col(ColumnDef::new("error_message").text())
        .col(ColumnDef::new("warnings").text().not_null().default("[]"))
        .col(
            ColumnDef::new("created_at")
                .timestamp_with_time_zone()
                .not_null(),
        )
        .col(ColumnDef::new("started_at").timestamp_with_time_zone())
        .col(ColumnDef::new("finished_at").timestamp_with_time_zone())
        .to_owned()
}

fn ingestion_indexes() -> [IndexCreateStatement; 5] {
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
        // Every answer asks which ingestions have rows that must not be seen yet, or any more.
        on("ingestion_hidden", "id")
            .and_where(Expr::col("has_rows"))
            .and_where(Expr::col("state").ne("SUCCEEDED"))
            .to_owned(),
        // Which ingestions lack rows of `trip`.
        on("ingestion_sql_incomplete", "state")
            .col("id")
            .and_where(Expr::col("sql_complete").not())
            .to_owned(),
    ]
}

fn rejected_row() -> TableCreateStatement {
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

fn trip_summary() -> TableCreateStatement {
    Table::create()
        .table("trip_summary")
        .col(ColumnDef::new("ingestion_id").big_integer().not_null())
        .col(ColumnDef::new("region_id").integer().not_null())
        .col(ColumnDef::new("datasource_id").integer().not_null())
        .col(ColumnDef::new("trips").big_integer().not_null())
        .col(ColumnDef::new("first_departed_at").timestamp().not_null())
        .col(ColumnDef::new("last_departed_at").timestamp().not_null())
        .col(ColumnDef::new("departures").big_integer().not_null())
        .primary_key(
            Index::create()
                .col("ingestion_id")
                .col("region_id")
                .col("datasource_id"),
        )
        .to_owned()
}

/// Rows for people who ask with SQL. They have no key: it would be half of what a row costs.
fn trip() -> TableCreateStatement {
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
fn trip_ingestion(backend: DbBackend) -> IndexCreateStatement {
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

/// One row: how often what is in the answers has changed.
fn edition() -> TableCreateStatement {
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
        .to_owned()
}

/// A program that works on the queue.
fn worker() -> TableCreateStatement {
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

fn weekly_histogram() -> TableCreateStatement {
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

fn flow_histogram() -> TableCreateStatement {
    Table::create()
        .table("flow_histogram")
        .col(ColumnDef::new("origin_cell").big_integer().not_null())
        .col(ColumnDef::new("flows").blob().not_null())
        .primary_key(Index::create().col("origin_cell"))
        .to_owned()
}

fn trip_patch() -> TableCreateStatement {
    Table::create()
        .table("trip_patch")
        .col(ColumnDef::new("trip_end").small_integer().not_null())
        .col(ColumnDef::new("cell").big_integer().not_null())
        .col(ColumnDef::new("ingestion_id").big_integer().not_null())
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
                .col("ingestion_id")
                .col("batch"),
        )
        .to_owned()
}

/// Rows stored in the order of their key, where the database can do that.
fn clustered(mut table: TableCreateStatement, backend: DbBackend) -> TableCreateStatement {
    if backend == DbBackend::Sqlite {
        table.extra("WITHOUT ROWID");
    }
    table
}

/// The trips that are in the answers, with names and readable times: those of an ingestion all at
/// once, when the last of its rows is there.
fn visible_trip(backend: DbBackend) -> String {
    let [departed_at, arrived_at] =
        ["trip.departed_at", "trip.arrived_at"].map(|micros| readable_time(backend, micros));
    format!(
        "CREATE VIEW visible_trip AS
         SELECT trip.ingestion_id, trip.line, region.name AS region, datasource.name AS datasource,
                trip.origin_lon, trip.origin_lat, trip.destination_lon, trip.destination_lat,
                {departed_at} AS departed_at, {arrived_at} AS arrived_at
         FROM trip
         JOIN ingestion ON ingestion.id = trip.ingestion_id
              AND ingestion.state = 'SUCCEEDED' AND ingestion.sql_complete
         JOIN region ON region.id = trip.region_id
         JOIN datasource ON datasource.id = trip.datasource_id"
    )
}

/// The SQL of a time whose microseconds since 1970 some SQL gives.
fn readable_time(backend: DbBackend, micros: &str) -> String {
    match backend {
        DbBackend::Postgres => {
            format!("TIMESTAMP '1970-01-01' + {micros} * INTERVAL '1 microsecond'")
        }
        _ => format!(
            "strftime('%Y-%m-%d %H:%M:%S', {micros} / 1000000 - ({micros} % 1000000 < 0), \
             'unixepoch') || CASE {micros} % 1000000 WHEN 0 THEN '' \
             ELSE printf('.%06d', ({micros} % 1000000 + 1000000) % 1000000) END"
        ),
    }
}
