"""The results as Markdown."""

import statistics

import many_files
import peer_clickhouse
import peer_duckdb
import peer_sqlite3
import rush
import tripgraph
from areas import AREAS, MANY, condition
from report import facts, percentile, shown, table, tall
from results import TRIPGRAPH, grouped, ingest, rate, time
from sizes import HOT, RESOLUTIONS
from targets import HEAD, targets

PLOTS = {
    "question": "Time of one question against the number of trips",
    "ingest": "Rows ingested per second against the number of trips",
    "memory": "Peak memory of an ingestion against the number of trips",
}


def markdown(results, drawn, in_process):
    """The whole document; `drawn` are the names of the plots there are, `in_process` the
    milliseconds of the hot question without HTTP, if they are known.
    """
    parts = [facts(results.head)]
    cities, world = results.of("cities"), results.of("world")
    if cities:
        parts += ["### Targets", TARGETS, table(HEAD, targets(results))]
        parts += [f"![{PLOTS[name]}](images/scalability-{name}.svg)" for name in drawn]
        parts += ["### Ingestion", ingests(cities)]
        parts += ["### One question by number of trips", GROWTH, growth(cities)]
        for record in cities:
            parts += [f"### Questions with {tall(record['rows'])} trips", QUESTIONS, answers(record)]
        parts += ["### The largest groups of similar trips", GROUPS, groups(cities)]
        served = [record for record in cities if record.get("busy")]
        parts += ["### One server, many questions", SERVED, serving(served, in_process)]
    if results.many:
        parts += ["### Many small files", many_files.markdown(results.many)]
    for record in world:
        rows = tall(record["rows"])
        parts += [f"### {rows} trips scattered over the world", ingests([record]), QUESTIONS]
        parts += [answers(record), groups([record])]
    notes = [f"{record['name']}: {note}" for record in results.records for note in record["notes"]]
    if notes:
        parts += ["### Left out", "\n".join(f"- {note}" for note in notes)]
    parts += ["### Commands", "```text\n" + "\n".join(commands()) + "\n```"]
    return "\n\n".join(part for part in parts if part)


TARGETS = """\
Each target is a ratio of two figures of this run. If a target was set for another number of trips
than was measured, the last column says so."""
GROWTH = """\
weeklyAverage of 47 km² by ORIGIN with its series of weeks, in milliseconds, warm."""
QUESTIONS = """\
weeklyAverage with its series of weeks, in milliseconds: warm / after a cold start."""
GROUPS = """\
The first page of groupedTrips, in milliseconds: warm / after a cold start. DuckDB has no H3 built in.
It groups by rectangles of the same area instead, which is cheaper than H3 would be. ClickHouse groups
by H3."""
SERVED = """\
tripgraph alone, in milliseconds. A question about 1.6 km² is asked by one client and by many at once,
an empty query (`{ __typename }`) by one client. The question about 47 km² is asked by one client
repeatedly: while the server is idle, while it ingests another file, and while it merges six ingestions
of 625,000 trips each."""


def ingests(records):
    """Ingestion by every program."""
    rows = []
    for record in records:
        for title, program in record["programs"].items():
            seconds = ingest(record, title, "seconds")
            if seconds is None:
                continue
            memory, size = ingest(record, title, "memory"), ingest(record, title, "bytes")
            rows.append(
                [
                    tall(record["rows"]), title, f"{seconds:.2f}", f"{rate(record, title):,.0f}",
                    f"{memory / 1e6:,.0f} MB" if memory else "–",
                    f"{size / record['rows']:.0f}" if size else "–",
                    f"{record['csv_bytes'] / record['rows']:.0f}", str(len(program["ingests"])),
                ]
            )  # fmt: skip
            if settled := program.get("settled"):
                memory = f"{settled['memory'] / 1e6:,.0f} MB" if settled["memory"] else "–"
                line = [f"{title}, merging", f"{settled['seconds']:.2f}", "–", memory]
                rows.append([tall(record["rows"]), *line, *["–"] * 3])
    head = ["trips", "program", "median seconds", "rows/s", "peak memory", "bytes per trip"]
    return table([*head, "bytes per row of the file", "runs"], rows)


def titles(records):
    """The programs that were asked, in their order."""
    return list(
        dict.fromkeys(
            title
            for record in records
            for title, program in record["programs"].items()
            if program["answers"]
        )
    )


def cell(warm, first=None):
    """Two times, as far as there are any."""
    if warm is None:
        return "–"
    return f"{shown(warm)} / {shown(first)}" if first is not None else shown(warm)


def growth(records):
    """One question of each program by size."""
    programs = titles(records)
    rows = [
        [tall(record["rows"]), *(cell(time(record, title)) for title in programs)]
        for record in records
    ]
    return table(["trips", *programs], rows)


def answers(record):
    """All questions of a size."""
    programs, rows = titles([record]), []
    for answer in record["programs"][TRIPGRAPH]["answers"]:
        question = (answer["area"], answer["trip_end"])
        times = [
            cell(time(record, title, "warm", question), time(record, title, "first", question))
            for title in programs
        ]
        rows.append([*question, f"{answer['trips']:,}", *times])
    return table(["area", "trip end", "trips found", *programs], rows)


def groups(records):
    """The largest groups of each program that was asked."""
    programs = [
        title
        for title in titles(records)
        if any(grouped(record, title, each) for record in records for each in RESOLUTIONS)
    ]
    rows = [
        [
            tall(record["rows"]), str(each),
            *(
                cell(grouped(record, title, each), grouped(record, title, each, "first"))
                for title in programs
            ),
        ]
        for record in records
        for each in RESOLUTIONS
    ]  # fmt: skip
    return table(["trips", "resolution", *programs], rows)


def serving(records, in_process):
    """What only a server does."""
    rows = []
    for record in records:
        trips = tall(record["rows"])
        rows += [
            [trips, "empty query", *spread(record["nothing"])],
            [trips, "1.6 km² by ORIGIN", *spread(record["often"])],
            [trips, "47 km² by ORIGIN, idle", *spread(record["idle"])],
            [
                trips,
                f"47 km² by ORIGIN, ingesting {record['uploads']} × {tall(record['more'])} trips",
                *spread(record["busy"]),
            ],
            [trips, "47 km² by ORIGIN, merging", *spread(record.get("merging"))],
            [trips, f"1.6 km² by ORIGIN, {rush.CONNECTIONS} clients", *rushed(record["rush"])],
            [
                trips,
                f"{len(MANY)} boxes of 1.6 km² by ORIGIN, {rush.CONNECTIONS} clients",
                *rushed(record.get("rush_many")),
            ],
            [
                trips,
                f"one of them, with the cache of answers (default), {rush.CONNECTIONS} clients",
                *rushed(record["rush_kept"]),
            ],
        ]
    if in_process:
        rows.append(["–", "weekly_average without HTTP and GraphQL", shown(in_process), "–", "–"])
    note = "" if all(record["rush"] for record in records) else f"\n\nNot measured: {rush.MISSING}."
    return table(["trips", "question", "median", "99th percentile", "samples"], rows) + note


def spread(values):
    if not values:
        return ["not measured", "–", "–"]
    median = statistics.median(values)
    return [f"{median:.2f}", f"{percentile(values, 99):.2f}", str(len(values))]


def rushed(found):
    if not found:
        return ["not measured"] * 2 + ["–"]
    return ["–", f"{found['p99']:.2f}", f"{found['rate']:,.0f} per second"]


def commands():
    """What was run, for people who want to run it by hand."""
    hot = condition(AREAS[HOT[0]], HOT[1])
    return [
        "tripgraph generate --rows ROWS --seed 1 --output FILE",
        "tripgraph ingest --data-dir DIR FILE",
        "tripgraph serve --data-dir DIR",
        tripgraph.WEEKLY_AVERAGE,
        tripgraph.GROUPED_TRIPS,
        "-- DuckDB",
        peer_duckdb.loading("FILE", False).strip(),
        f"-- DuckDB, sorted: the same, and{peer_duckdb.SORTED}",
        f"-- both{peer_duckdb.WEEKS.format(condition=hot)}",
        *(peer_duckdb.grouping(resolution).strip() for resolution in RESOLUTIONS),
        f"-- ClickHouse{peer_clickhouse.TABLE}",
        peer_clickhouse.LOAD.strip(),
        peer_clickhouse.MERGE,
        peer_clickhouse.WEEKS.format(condition=hot).strip(),
        peer_clickhouse.GROUPED.format(resolution=RESOLUTIONS[0]).strip(),
        "-- SQLite" + peer_sqlite3.TABLE,
        peer_sqlite3.INDEX,
        peer_sqlite3.WEEKS.format(condition=hot).strip(),
    ]
