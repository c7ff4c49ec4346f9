"""ClickHouse, embedded as chDB, as a peer: a MergeTree in the order of the origins; see `peer.py`.

Its index of 8,192 rows each tells it which to pass over. It does not sync what it writes.
"""

import sys

from answering import peak, serve, timed
from areas import Box, condition
from machine import cores

TABLE = """
CREATE TABLE trip (region LowCardinality(String), datasource LowCardinality(String),
    departed_at DateTime64(6, 'UTC'), origin_lon Float64, origin_lat Float64,
    destination_lon Float64, destination_lat Float64)
ENGINE = MergeTree ORDER BY (floor(origin_lat / 0.01), origin_lon)"""
LOAD = """
INSERT INTO trip
WITH splitByChar(' ', substring(origin_coord, 8, length(origin_coord) - 8)) AS origin,
    splitByChar(' ', substring(destination_coord, 8, length(destination_coord) - 8)) AS destination
SELECT region, datasource, datetime, toFloat64(origin[1]), toFloat64(origin[2]),
    toFloat64(destination[1]), toFloat64(destination[2])
FROM file('{file}', CSVWithNames, 'region String, origin_coord String, destination_coord String,
    datetime DateTime64(6, \\'UTC\\'), datasource String')
SETTINGS max_insert_threads = {cores}"""
MERGE = "OPTIMIZE TABLE trip FINAL"
WEEKS = """
SELECT toMonday(departed_at) AS week, count() FROM trip
WHERE {condition} GROUP BY week ORDER BY week"""
GROUPED = """
SELECT geoToH3(origin_lat, origin_lon, {resolution}) AS origin,
    geoToH3(destination_lat, destination_lon, {resolution}) AS destination,
    toHour(departed_at) AS hour, count() AS trips
FROM trip GROUP BY ALL ORDER BY trips DESC LIMIT 20"""


class ClickHouse:
    """A session on a folder."""

    def __init__(self, folder):
        from chdb.session import Session

        self.session = Session(folder)

    def run(self, sql):
        self.session.query(sql)

    def rows(self, sql):
        """The rows of the answer, each a line of values between tabulators."""
        answer = str(self.session.query(sql, "TabSeparated"))
        return [line.split("\t") for line in answer.splitlines()]

    def make(self, file):
        self.run(TABLE)
        self.run(LOAD.format(file=file, cores=cores()))

    def load(self, file):
        _, seconds = timed(self.make, file)
        return seconds, peak()

    def settle(self):
        _, seconds = timed(self.run, MERGE)
        return seconds, peak()

    def weeks(self, box, trip_end):
        within = condition(Box(*box), trip_end).replace("isodow(", "toDayOfWeek(")
        rows, seconds = timed(self.rows, WEEKS.format(condition=within))
        return {week: int(trips) for week, trips in rows}, seconds * 1000

    def grouped(self, resolution):
        return timed(self.rows, GROUPED.format(resolution=resolution))[1] * 1000


if __name__ == "__main__":
    serve(ClickHouse(sys.argv[1]))
