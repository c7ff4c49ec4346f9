"""The conventional way to store trips in PostgreSQL: tables, in SQL."""

from areas import condition

TEXTS = (
    "CREATE {kind} t (region text, origin_coord text, destination_coord text, datetime text, "
    "datasource text)"
)
COPY = r"\copy t FROM '{file}' WITH (FORMAT csv, HEADER)"
TYPED = """
CREATE TABLE trip (
    region text, datasource text, departed_at timestamp,
    origin_lon float8, origin_lat float8, destination_lon float8, destination_lat float8)"""
INDEX = "CREATE INDEX ON trip (origin_lon, origin_lat)"
WEEKS = """
SELECT date_trunc('week', departed_at)::date, count(*) FROM trip
WHERE {condition} GROUP BY 1"""


def texts(server, url):
    """Makes the table of the file's own columns, without an index."""
    server.ask(url, TEXTS.format(kind="TABLE"))


def copy(server, url, file):
    """The command that copies a file into it."""
    return server.command(url, COPY.format(file=file))


def typed(server, url, file):
    """Makes the conventional table: typed columns, and an index on the origin."""
    server.ask(
        url,
        TEXTS.format(kind="UNLOGGED TABLE"),
        COPY.format(file=file),
        TYPED,
        f"""
        INSERT INTO trip SELECT region, datasource, datetime::timestamp,
            {coordinates("origin")}, {coordinates("destination")} FROM t""",
        "DROP TABLE t",
        INDEX,
    )


def coordinates(end):
    """Longitude and latitude of `POINT (lon lat)`, the only spelling that is generated."""
    numbers = f"trim(substr({end}_coord, 8), ')')"
    return ", ".join(f"split_part({numbers}, ' ', {place})::float8" for place in (1, 2))


def weeks(server, url, box, trip_end, times):
    """The week series of a box, and the milliseconds of each of many times."""
    sql = WEEKS.format(condition=condition(box, trip_end))
    rows, took = server.timed(url, sql, times)
    return {week: int(trips) for week, trips in rows}, took
