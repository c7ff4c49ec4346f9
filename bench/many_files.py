"""What questions cost where the trips came in thousands of small files, and where in one.

    cargo build --release
    python3 bench/many_files.py --binary target/release/tripgraph

prints one table, and fails if any answer differs. The small files are asked about straight after
they were ingested, and once `tripgraph compact` has merged their segments.
"""

import argparse
import itertools
import statistics
import sys
import tempfile
from pathlib import Path

import machine
from areas import AREAS, MORNINGS, TRIP_ENDS
from machine import BenchError
from report import say, shown, table
from tripgraph import GROUPED_TRIPS, WEEKLY_AVERAGE, Server, fields, generate

FILES, ROWS = 5_000, 200
# Of each question, after the first.
RUNS = 9
REGIONS = "{ regions { name trips latestDatasource { name } } }"
REGIONS_NAME = "regions"


def split(file, folder, files, rows):
    """A file in so many small ones of so many rows, each with the header."""
    folder.mkdir()
    # Row by row: a program that is started later would seem to take the memory of this one.
    with file.open() as lines:
        header = next(lines)
        for number in range(files):
            with (folder / f"{number:05}.csv").open("w") as part:
                part.writelines(itertools.chain([header], itertools.islice(lines, rows)))


def questions():
    """Names, documents and variables."""
    for name, box in AREAS.items():
        ends = [*TRIP_ENDS, MORNINGS] if name in ("1.6 km²", "47 km²", "city") else TRIP_ENDS
        for end in ends:
            yield f"{name}, {end}", WEEKLY_AVERAGE, fields(box, end)
    yield "groupedTrips", GROUPED_TRIPS, None
    yield REGIONS_NAME, REGIONS, None


def answers(binary, data, runs):
    """Of each question the answer, and the median of so many runs after the first."""
    with Server(binary, data) as server:
        found = {}
        for name, document, variables in questions():
            asked = [server.ask(document, variables) for _ in range(runs + 1)]
            found[name] = asked[0][0], statistics.median(ms for _, ms in asked[1:])
        return found


def measure(binary, files, rows, runs):
    """The seconds of the ingestions and of merging, and the milliseconds of each question."""
    with tempfile.TemporaryDirectory() as work:
        work = Path(work)
        file, parts = work / "trips.csv", work / "parts"
        generate(binary, files * rows, 1, file)
        split(file, parts, files, rows)

        def ingest(data, what):
            command = [binary, "ingest", "--data-dir", data, "--sql-trips", "off", what]
            return machine.run(command)[0]

        one, many = work / "one", work / "many"
        seconds = {"one": ingest(one, file), "many": ingest(many, parts)}
        of_one, before = answers(binary, one, runs), answers(binary, many, runs)
        seconds["merging"], _ = machine.run([binary, "compact", "--data-dir", many])
        merged = answers(binary, many, runs)

    questions = []
    for name, (answer, milliseconds) in of_one.items():
        if not answer == before[name][0] == merged[name][0]:
            raise BenchError(f"{name}: the answers differ")
        times = {"one": milliseconds, "before": before[name][1], "merged": merged[name][1]}
        questions.append({"name": name, **times})
    return {"files": files, "rows": rows, "seconds": seconds, "questions": questions}


def markdown(record):
    """What was measured, as a sentence and a table."""
    seconds = record["seconds"]
    rows = [
        [
            each["name"], shown(each["one"]), shown(each["before"]), shown(each["merged"]),
            f"{each['merged'] / each['one']:.2f}",
        ]
        for each in record["questions"]
    ]  # fmt: skip
    head = ["question", "one file, ms", "small files before merging", "merged", "merged ÷ one file"]
    return (
        f"Ingestion took {seconds['one']:.1f} s for one file and {seconds['many']:.1f} s for "
        f"{record['files']:,} files of {record['rows']:,} rows each, and `tripgraph compact` another "
        f"{seconds['merging']:.1f} s.\n\n{table(head, rows)}"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", type=Path, default=Path("target/release/tripgraph"))
    parser.add_argument("--files", type=int, default=FILES)
    parser.add_argument("--rows", type=int, default=ROWS, help="of each file")
    parser.add_argument("--runs", type=int, default=RUNS, help="of each question, after the first")
    options = parser.parse_args()
    say("measuring one file and small files")
    measured = measure(options.binary.resolve(), options.files, options.rows, options.runs)
    print(markdown(measured))


if __name__ == "__main__":
    try:
        main()
    except BenchError as error:
        sys.exit(f"error: {error}")
