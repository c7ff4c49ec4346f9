"""SQLite by itself, as a peer: a plain table, and an index on the origin; see `peer.py`."""

import csv
import sqlite3
import sys

from answering import peak, serve, timed
from areas import Box, condition

TABLE = """
CREATE TABLE trip (
    region TEXT, datasource TEXT, departed_at TEXT,
    origin_lon REAL, origin_lat REAL, destination_lon REAL, destination_lat REAL)"""
INSERT = "INSERT INTO trip VALUES (?, ?, ?, ?, ?, ?, ?)"
INDEX = "CREATE INDEX trip_by_origin ON trip (origin_lat, origin_lon)"
# The Monday of each week.
WEEKS = """
SELECT date(departed_at, 'weekday 0', '-6 days'), count(*) FROM trip
WHERE {condition} GROUP BY 1"""


def rows(file):
    """The rows of the table."""
    with open(file, encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            origin, destination = point(row["origin_coord"]), point(row["destination_coord"])
            yield row["region"], row["datasource"], row["datetime"], *origin, *destination


def point(text):
    """Longitude and latitude of `POINT (lon lat)`, the only spelling that is generated."""
    lon, lat = text[7:-1].split(" ")
    return float(lon), float(lat)


class SQLite:
    """A connection to a database file."""

    def __init__(self, database):
        self.connection = sqlite3.connect(database)

    def make(self, file):
        with self.connection:
            self.connection.execute(TABLE)
            self.connection.executemany(INSERT, rows(file))
            self.connection.execute(INDEX)

    def load(self, file):
        _, seconds = timed(self.make, file)
        return seconds, peak()

    def weeks(self, box, trip_end):
        sql = WEEKS.format(condition=condition(Box(*box), trip_end))
        found, seconds = timed(lambda: self.connection.execute(sql).fetchall())
        return dict(found), seconds * 1000


if __name__ == "__main__":
    serve(SQLite(sys.argv[1]))
