-- Two questions about regions and datasources, in plain SQL. They run unchanged on SQLite and on
-- PostgreSQL:
--
--     sqlite3 data/tripgraph.db < queries.sql
--     psql "$TRIPGRAPH_DATABASE_URL" --file queries.sql
--
-- They read trip_summary, never trip: one row for each region and datasource of each ingestion, with
-- the number of trips and the first and last departure. These rows are inserted in the transaction that
-- publishes an ingestion, and deleted in the one that removes it. So each query takes as long for a
-- hundred million trips as for a hundred, and agrees with every other answer.
--
-- Ties are broken by name, so that the same trips always give the same answer.


-- 1. From the two most commonly appearing regions, which is the latest datasource?
--
-- The question can be read in two ways. The most common regions are in both those with the most
-- trips, the latest datasource is the one with the latest departure.
--
-- 1a. One answer: the latest datasource that appears in either of the two.

WITH top_region AS (
    SELECT region.id, region.name
    FROM trip_summary
    JOIN region ON region.id = trip_summary.region_id
    GROUP BY region.id, region.name
    ORDER BY SUM(trip_summary.trips) DESC, region.name
    LIMIT 2
)
SELECT datasource.name AS latest_datasource,
       top_region.name AS region,
       trip_summary.last_departed_at
FROM top_region
JOIN trip_summary ON trip_summary.region_id = top_region.id
JOIN datasource ON datasource.id = trip_summary.datasource_id
ORDER BY trip_summary.last_departed_at DESC, datasource.name, top_region.name
LIMIT 1;


-- 1b. Two answers: the latest datasource of each of the two, the most common region first.

WITH top_region AS (
    SELECT region.id, region.name, CAST(SUM(trip_summary.trips) AS BIGINT) AS trips
    FROM trip_summary
    JOIN region ON region.id = trip_summary.region_id
    GROUP BY region.id, region.name
    ORDER BY SUM(trip_summary.trips) DESC, region.name
    LIMIT 2
), appearance AS (
    SELECT top_region.name AS region,
           top_region.trips,
           datasource.name AS datasource,
           trip_summary.last_departed_at,
           ROW_NUMBER() OVER (
               PARTITION BY top_region.id
               ORDER BY trip_summary.last_departed_at DESC, datasource.name
           ) AS recency
    FROM top_region
    JOIN trip_summary ON trip_summary.region_id = top_region.id
    JOIN datasource ON datasource.id = trip_summary.datasource_id
)
SELECT region, trips, datasource AS latest_datasource, last_departed_at
FROM appearance
WHERE recency = 1
ORDER BY trips DESC, region;


-- 2. What regions has the "cheap_mobile" datasource appeared in?
--
-- With the number of its trips in each, most trips first.

SELECT region.name AS region,
       CAST(SUM(trip_summary.trips) AS BIGINT) AS trips,
       MIN(trip_summary.first_departed_at) AS first_departed_at,
       MAX(trip_summary.last_departed_at) AS last_departed_at
FROM trip_summary
JOIN region ON region.id = trip_summary.region_id
JOIN datasource ON datasource.id = trip_summary.datasource_id
WHERE datasource.name = 'cheap_mobile'
GROUP BY region.id, region.name
ORDER BY SUM(trip_summary.trips) DESC, region.name;
