//! The schema: ingestions and their workers, trips, and what is packed and summed up from them.

mod tables;

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use self::tables::{
    dimension, edition, flow_histogram, ingestion, ingestion_indexes, ingestion_locations,
    rejected_row, segment, segment_unseen, trip, trip_ingestion, trip_patch, trip_summary,
    trip_summary_pair, trip_total, weekly_histogram, worker, zone, zone_set,
};

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
        manager.create_table(segment()).await?;
        manager.create_index(segment_unseen()).await?;
        manager.create_table(ingestion()).await?;
        for index in ingestion_indexes() {
            manager.create_index(index).await?;
        }
        manager.create_table(ingestion_locations()).await?;
        manager.create_table(rejected_row()).await?;
        manager.create_table(trip_summary()).await?;
        manager.create_index(trip_summary_pair()).await?;
        manager.create_table(trip_total()).await?;
        manager.create_table(zone_set()).await?;
        manager.create_table(zone()).await?;

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
                    .name("trip_patch_segment")
                    .table("trip_patch")
                    .col("segment_id")
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
            .execute_unprepared(
                "INSERT INTO edition (id, number, layout, fingerprint, settled) \
                 VALUES (1, 0, 0, 0, true)",
            )
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
            "zone",
            "zone_set",
            "edition",
            "trip_patch",
            "flow_histogram",
            "weekly_histogram",
            "trip",
            "trip_total",
            "trip_summary",
            "rejected_row",
            "ingestion_locations",
            "ingestion",
            "segment",
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

/// Rows stored in the order of their key, where the database can do that.
fn clustered(mut table: TableCreateStatement, backend: DbBackend) -> TableCreateStatement {
    if backend == DbBackend::Sqlite {
        table.extra("WITHOUT ROWID");
    }
    table
}

/// The trips that are in the answers, with names and readable times: those of a segment all at
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
              AND ingestion.state = 'SUCCEEDED'
         JOIN segment ON segment.id = ingestion.segment_id AND segment.sql_complete
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
