"""Targets, each a ratio of two figures of one run."""

from typing import Callable, NamedTuple

import many_files
import rush
from areas import MANY, MORNINGS
from report import shown, tall
from results import (
    COPY,
    ON_POSTGRES,
    TRIPGRAPH,
    WITH_SQL_ROWS,
    grouped,
    ingest,
    memory,
    rate,
    slowest,
    time,
)

DUCKDB, SORTED = "DuckDB", "DuckDB, sorted"
M10, M100 = 10_000_000, 100_000_000
# Bytes.
MEMORY = 600_000_000
# Milliseconds.
COLD = 500
RUSH = {M10: 50, M100: 100}


class Target(NamedTuple):
    """A ratio that is to be at least or at most so much, at some numbers of trips."""

    what: str
    against: str
    pair: Callable
    """Of a record: what was measured and what it is held against, `None` where either is missing."""
    unit: Callable
    limit: float
    sizes: tuple
    least: bool = False

    def row(self, record):
        """The row of the table."""
        pair = self.pair(record)
        if None in pair:
            return [
                self.what,
                tall(record["rows"]),
                "not measured",
                self.against,
                "–",
                self.goal(),
                "–",
            ]
        measured, base = pair
        ratio = measured / base
        met = ratio >= self.limit if self.least else ratio <= self.limit
        judged = verdict(met)
        if record["rows"] not in self.sizes:
            judged = f"set for {' and '.join(map(tall, self.sizes))}"
        against = f"{self.against}: {self.unit(base)}"
        return [
            self.what, tall(record["rows"]), self.unit(measured), against, f"{ratio:.3g}",
            self.goal(), judged,
        ]  # fmt: skip

    def goal(self):
        return f"{'≥' if self.least else '≤'} {self.limit:.3g}"

    def rows(self, records):
        """A row for each size that the target is set for, or for the largest there is."""
        wanted = [record for record in records if record["rows"] in self.sizes] or records[-1:]
        return [self.row(record) for record in wanted]


def verdict(met):
    return "yes" if met else "**no**"


def milliseconds(value):
    return f"{shown(value)} ms"


def rows_a_second(value):
    return f"{value:,.0f} rows/s"


def megabytes(value):
    return f"{value / 1e6:,.0f} MB"


def bytes_a_trip(value):
    return f"{value:.0f} bytes"


def ingested(peer, title=TRIPGRAPH):
    return lambda record: (rate(record, title), rate(record, peer))


def asked(peer, area, trip_end):
    question = (area, trip_end)
    return lambda record: (
        time(record, TRIPGRAPH, question=question),
        time(record, peer, question=question),
    )


def footprint(title):
    """Bytes a trip in the database and in the file."""

    def pair(record):
        size, rows = ingest(record, title, "bytes"), record["rows"]
        return (size / rows, record["csv_bytes"] / rows) if size else (None, None)

    return pair


def rush_p99(name):
    return lambda record: ((record.get(name) or {}).get("p99"), RUSH.get(record["rows"], RUSH[M10]))


def peak_memory(record):
    return memory(record), MEMORY


def unsteady(kind):
    """The 99th percentile while the server is at work, and while it is idle."""
    return lambda record: (slowest(record, kind), slowest(record, "idle"))


ANY = (M10, M100)
CITIES = [
    Target("ingest", DUCKDB, ingested(DUCKDB), rows_a_second, 1.2, (M10,), least=True),
    Target("ingest", SORTED, ingested(SORTED), rows_a_second, 1.4, (M100,), least=True),
    Target(
        "ingest into PostgreSQL", COPY, ingested(COPY, ON_POSTGRES), rows_a_second, 1.2, (M10,),
        least=True,
    ),
    *(
        Target(f"{area} by {end}, warm", peer, asked(peer, area, end), milliseconds, limit, (M100,))
        for area, end, peer, limit in (
            ("47 km²", "ORIGIN", SORTED, 0.3),
            ("1.6 km²", "ORIGIN", SORTED, 1.0),
            ("city", "ORIGIN", SORTED, 0.2),
            ("47 km²", "DESTINATION", SORTED, 0.1),
            ("47 km²", "BOTH", SORTED, 1.0),
            ("city", "BOTH", SORTED, 1.0),
            ("47 km²", "EITHER", SORTED, 0.5),
            ("47 km²", MORNINGS, SORTED, 1.0),
            ("47 km²", "ORIGIN", DUCKDB, 1 / 12),
        )
    ),
    Target(
        "47 km² by ORIGIN, after a cold start", "limit",
        lambda record: (time(record, TRIPGRAPH, "first"), COLD), milliseconds, 1, (M100,),
    ),
    *(
        Target(
            f"first page of groupedTrips, resolution {resolution}, warm", peer,
            lambda record, peer=peer, resolution=resolution: (
                grouped(record, TRIPGRAPH, resolution), grouped(record, peer, resolution)
            ),
            milliseconds, limit, (M100,),
        )
        for peer, resolution, limit in (
            (DUCKDB, 7, 1 / 100), (SORTED, 7, 1 / 100), (SORTED, 9, 1 / 4)
        )
    ),
    Target("disk space per trip", "the file", footprint(TRIPGRAPH), bytes_a_trip, 0.5, ANY),
    Target(
        "disk space per trip with SQL rows", "the file", footprint(WITH_SQL_ROWS), bytes_a_trip, 1,
        (M10,),
    ),
    *(
        Target(
            f"47 km² by ORIGIN, 99th percentile while {doing}", "idle", unsteady(kind),
            milliseconds, 2.5, ANY,
        )
        for doing, kind in (("ingesting", "busy"), ("merging", "merging"))
    ),
    *(
        Target(
            f"{what} by ORIGIN over {rush.CONNECTIONS} connections, 99th percentile", "limit",
            rush_p99(name), milliseconds, 1, ANY,
        )
        for name, what in (
            ("rush_many", f"{len(MANY)} boxes of 1.6 km²"),
            ("rush", "1.6 km²"),
            ("rush_kept", "1.6 km², cached,"),
        )
    ),
]  # fmt: skip
# From a hundredth of the trips.
GROWTH = 6


def world(cities):
    """The targets of trips scattered over the world, compared with the nearest size of cities."""

    def pair(record):
        near = min(cities, key=lambda other: abs(other["rows"] - record["rows"]))
        return rate(record, TRIPGRAPH), rate(near, TRIPGRAPH)

    return [
        Target("ingest, the world", "cities", pair, rows_a_second, 0.5, (M10,), least=True),
        Target(
            "peak memory of an ingest and of compacting, the world", "limit", peak_memory, megabytes,
            1, (M10,),
        ),
    ]


def peak(cities):
    """The most memory of all sizes, whichever those are."""
    most = max(cities, key=lambda record: memory(record) or 0)
    target = Target(
        "peak memory of an ingest and of compacting, the most of all sizes", "limit", peak_memory,
        megabytes, 1, (most["rows"],),
    )  # fmt: skip
    return target.rows([most])


def growth(cities):
    """How the answer's time grows from the smallest to the largest size."""
    small, large = cities[0], cities[-1]
    target = Target(
        "growth of 47 km² by ORIGIN, warm", f"at {tall(small['rows'])}",
        lambda record: (time(record, TRIPGRAPH), time(small, TRIPGRAPH)),
        milliseconds, GROWTH, (small["rows"] * 100,),
    )  # fmt: skip
    return target.rows([large])


# Of a question about small files that are merged: times that about one file, and milliseconds more.
SMALL, MORE = 1.5, 2
FILES_A_SECOND = 300


def small(record):
    """The targets of trips in many small files."""
    total = record["files"] * record["rows"]
    of_all = [each for each in record["questions"] if each["name"] != many_files.REGIONS_NAME]
    worst = max(of_all, key=lambda each: each["merged"] / (SMALL * each["one"] + MORE))
    regions = next(each for each in record["questions"] if each not in of_all)
    files = f"{record['files']:,} files of {record['rows']} rows"
    speed = record["files"] / record["seconds"]["many"]
    return [
        [
            f"{files}: {worst['name']}, the slowest in relation to one file", tall(total),
            milliseconds(worst["merged"]), f"one file: {milliseconds(worst['one'])}",
            f"{worst['merged'] / worst['one']:.3g}", f"≤ {SMALL} × + {MORE} ms",
            verdict(worst["merged"] <= SMALL * worst["one"] + MORE),
        ],
        [
            f"{files}: regions", tall(total), milliseconds(regions["merged"]),
            f"one file: {milliseconds(regions['one'])}",
            f"{regions['merged'] / regions['one']:.3g}", f"≤ {MORE} ms more",
            verdict(regions["merged"] <= regions["one"] + MORE),
        ],
        [
            f"{files}: ingestion", tall(total), f"{speed:,.0f} files/s",
            f"limit: {FILES_A_SECOND} files/s", f"{speed / FILES_A_SECOND:.3g}", "≥ 1",
            verdict(speed >= FILES_A_SECOND),
        ],
    ]  # fmt: skip


HEAD = ["what", "trips", "measured", "against", "ratio", "target", "met"]


def targets(results):
    """The rows of the table of targets."""
    cities, scattered = results.of("cities"), results.of("world")
    rows = [row for target in CITIES for row in target.rows(cities)]
    rows += peak(cities)
    if len(cities) > 1:
        rows += growth(cities)
    if scattered:
        rows += [row for target in world(cities) for row in target.rows(scattered)]
    if results.many:
        rows += small(results.many)
    return rows
