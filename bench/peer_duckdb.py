"""DuckDB, as a peer: typed columns, answers by scans; see `peer.py`.

Sorted, its own statistics of 122,880 rows each tell it which to pass over: what somebody does who
knows it well.
"""

import sys

from answering import peak, serve, timed
from areas import Box, condition
from machine import cores, memory

# The rest is the system's; sorting 100M trips in memory takes 14 GB.
MEMORY_SHARE = 0.7
LOAD = """
CREATE TABLE trip AS SELECT region, datasource, datetime AS departed_at,
    {origin}, {destination}
FROM read_csv('{file}', header = true, columns = {{
    'region': 'VARCHAR', 'origin_coord': 'VARCHAR', 'destination_coord': 'VARCHAR',
    'datetime': 'TIMESTAMP', 'datasource': 'VARCHAR'}})"""
SORTED = "\nORDER BY floor(origin_lat / 0.01), origin_lon"
WEEKS = """
SELECT date_trunc('week', departed_at)::DATE AS week, count(*) FROM trip
WHERE {condition} GROUP BY week ORDER BY week"""
GROUPED = """
SELECT floor(origin_lat / {height}) AS origin_y, floor(origin_lon / {width}) AS origin_x,
    floor(destination_lat / {height}) AS destination_y, floor(destination_lon / {width}) AS destination_x,
    hour(departed_at) AS hour, count(*) AS trips
FROM trip GROUP BY ALL ORDER BY trips DESC LIMIT 20"""
# Degrees. DuckDB has no H3. Rectangles with the area of a hexagon of resolution 7 at 50° north, 5.16 km²,
# stand in for it, and cost less than H3 would.
HEIGHT, WIDTH = 0.0204, 0.0318


def coordinates(end):
    """Longitude and latitude of `POINT (lon lat)`, the only spelling that is generated."""
    numbers = f"{end}_coord[8:-2]"
    return (
        f"split_part({numbers}, ' ', 1)::DOUBLE AS {end}_lon, "
        f"split_part({numbers}, ' ', 2)::DOUBLE AS {end}_lat"
    )


def grouping(resolution):
    """The statement that groups by rectangles as large as the hexagons of a resolution."""
    # A hexagon has the area of seven of the next resolution.
    scale = 7 ** ((7 - resolution) / 2)
    return GROUPED.format(height=f"{HEIGHT * scale:.6f}", width=f"{WIDTH * scale:.6f}")


def loading(file, in_order):
    """The statement that makes the table of a file."""
    ends = {end: coordinates(end) for end in ("origin", "destination")}
    return LOAD.format(file=file, **ends) + (SORTED if in_order else "")


class DuckDB:
    """A connection to a database file."""

    def __init__(self, database, in_order):
        import duckdb

        self.in_order = in_order
        settings = {
            "threads": cores(),
            "memory_limit": f"{memory() * MEMORY_SHARE / 2**20:.0f}MiB",
            "temp_directory": f"{database}.tmp",
            # Faster, and with less memory, than the default; ORDER BY is kept all the same.
            "preserve_insertion_order": False,
        }
        self.connection = duckdb.connect(database, config=settings)

    def rows(self, sql):
        return self.connection.execute(sql).fetchall()

    def make(self, file):
        self.rows(loading(file, self.in_order))
        self.rows("CHECKPOINT")

    def load(self, file):
        _, seconds = timed(self.make, file)
        return seconds, peak()

    def weeks(self, box, trip_end):
        sql = WEEKS.format(condition=condition(Box(*box), trip_end))
        rows, seconds = timed(self.rows, sql)
        return {str(week): trips for week, trips in rows}, seconds * 1000

    def grouped(self, resolution):
        return timed(self.rows, grouping(resolution))[1] * 1000


if __name__ == "__main__":
    serve(DuckDB(sys.argv[1], "sorted" in sys.argv[2:]))
