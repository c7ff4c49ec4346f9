#!/usr/bin/env python3
"""Measures tripgraph, and DuckDB beside it, on generated trips. See README.md."""

import argparse
import shutil
import statistics
import sys
from pathlib import Path

import machine
import peer
import tripgraph
from areas import AREAS, TRIP_ENDS
from machine import BenchError
from report import facts, say, shown, table, trips

ROOT = Path(__file__).resolve().parent.parent
SEED = 1
# Generously, of the file and both databases together.
BYTES_A_TRIP = 500


def main():
    options = parse()
    work = options.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    machine.require_alone(work)
    machine.require_free(work, max(rows for _, rows in options.sizes) * BYTES_A_TRIP)
    binary = options.binary or tripgraph.build(ROOT)
    duckdb = peer.install(work)
    head = machine.describe(ROOT, work)
    head.append(("DuckDB", f"{duckdb[1]}, {peer.THREADS} threads" if duckdb else "missing"))
    head.append(("load before", machine.load()))

    ingests, queries, groups = [], [], []
    for name, rows in options.sizes:
        folder = work / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        try:
            measure(name, rows, folder, binary, duckdb, options, ingests, queries, groups)
        finally:
            if not options.keep:
                shutil.rmtree(folder)
    head.append(("load after", machine.load()))

    results = "\n\n".join(
        [
            facts(head),
            f"Ingest, file to queryable, the median of {options.ingests}:",
            table(["trips", "program", "s", "rows/s", "peak memory", "bytes a trip"], ingests),
            f"weeklyAverage with its week series, milliseconds, warm the median of {options.warm}:",
            table(
                ["trips", "area", "trip end", "trips found", "first touch", "warm"]
                + ["DuckDB first", "DuckDB warm", "DuckDB ÷ tripgraph, warm"],
                queries,
            ),
            f"Other questions, milliseconds, warm the median of {options.warm}:",
            table(["trips", "question", "first touch", "warm"], groups),
        ]
    )
    (work / "results.md").write_text(results + "\n")
    print(results)


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=sizes, default=sizes("1M,10M"), help="trips [1M,10M]")
    parser.add_argument("--work", type=Path, default=ROOT / "bench" / "work")
    parser.add_argument("--binary", type=Path, help="a tripgraph to measure instead of building")
    parser.add_argument("--ingests", type=int, default=3, help="ingests of each file [3]")
    parser.add_argument("--warm", type=int, default=9, help="warm answers a question [9]")
    parser.add_argument("--keep", action="store_true", help="leave files and databases behind")
    return parser.parse_args()


def sizes(text):
    """Names and numbers of rows."""
    return [(name, trips(name)) for name in text.split(",")]


def measure(name, rows, folder, binary, duckdb, options, ingests, queries, groups):
    """Everything about one size; adds to the tables' rows."""
    file, data, database = folder / "trips.csv", folder / "data", folder / "peer.duckdb"
    say(f"{name}: generating")
    generate = [binary, "generate", "--rows", str(rows), "--seed", str(SEED), "--output", file]
    machine.run(generate)

    def ingest():
        shutil.rmtree(data, ignore_errors=True)
        seconds, memory = machine.run([binary, "ingest", "--data-dir", data, file])
        return seconds, memory, tripgraph.bytes_on_disk(data)

    say(f"{name}: ingesting")
    ingests.append(ingested(name, "tripgraph", rows, [ingest() for _ in range(options.ingests)]))
    if duckdb:
        python, version = duckdb

        def load():
            database.unlink(missing_ok=True)
            with peer.Peer(python, database) as process:
                seconds, memory = process.load(file)
            return seconds, memory, database.stat().st_size

        say(f"{name}: ingesting with DuckDB")
        runs = [load() for _ in range(options.ingests)]
        ingests.append(ingested(name, f"DuckDB {version}", rows, runs))

    for area, box in AREAS.items():
        for trip_end in TRIP_ENDS:
            say(f"{name}: {area} by {trip_end}")
            ours = timed(tripgraph.Server(binary, data), box, trip_end, options.warm)
            row = [name, area, trip_end, f"{sum(ours[0].values()):,}", *map(shown, ours[1:])]
            if duckdb:
                theirs = timed(peer.Peer(python, database), box, trip_end, options.warm)
                if ours[0] != theirs[0]:
                    raise BenchError(f"{area} by {trip_end}: tripgraph and DuckDB differ")
                row += [*map(shown, theirs[1:]), f"{theirs[2] / ours[2]:.1f}"]
            else:
                row += ["–"] * 3
            queries.append(row)

    questions = {
        "groupedTrips, the first page": tripgraph.GROUPED_TRIPS,
        "nothing, for HTTP's own share": tripgraph.NOTHING,
    }
    for question, text in questions.items():
        say(f"{name}: {question}")
        with tripgraph.Server(binary, data) as server:
            first, *warm = (server.ask(text)[1] for _ in range(options.warm + 1))
        groups.append([name, question, shown(first), shown(statistics.median(warm))])


def timed(program, box, trip_end, repeats):
    """Weeks, milliseconds at the first touch, and the median of those after it."""
    with program as running:
        weeks, first = running.weeks(box, trip_end)
        warm = [running.weeks(box, trip_end)[1] for _ in range(repeats)]
    return weeks, first, statistics.median(warm)


def ingested(name, program, rows, runs):
    """The row of a table for some runs of seconds, peak memory and bytes on disk."""
    seconds, memory, size = (statistics.median(values) for values in zip(*runs))
    return [
        name,
        program,
        f"{seconds:.2f}",
        f"{rows / seconds:,.0f}",
        f"{memory / 1e6:.0f} MB",
        f"{size / rows:.0f}",
    ]


if __name__ == "__main__":
    try:
        main()
    except BenchError as error:
        sys.exit(f"error: {error}")
