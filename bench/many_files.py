"""What questions cost where the trips came in thousands of small files, and where in one.

    cargo build --release
    python3 bench/many_files.py --binary target/release/tripgraph

prints one table, and fails if any answer differs. The small files are asked about straight after
they were ingested, and once `tripgraph compact` has merged their segments.
"""

import argparse
import statistics
import tempfile
from pathlib import Path

import machine
from areas import AREAS, MORNINGS, TRIP_ENDS
from machine import BenchError
from tripgraph import GROUPED_TRIPS, WEEKLY_AVERAGE, Server, fields, generate

REGIONS = "{ regions { name trips latestDatasource { name } } }"


def split(file, folder, files):
    """The rows of a file in so many small ones, each with the header."""
    header, *rows = file.read_text().splitlines(keepends=True)
    share = -(-len(rows) // files)
    folder.mkdir()
    for number in range(files):
        part = rows[number * share : (number + 1) * share]
        (folder / f"{number:05}.csv").write_text(header + "".join(part))


def questions():
    """Names, documents and variables."""
    for name, box in AREAS.items():
        ends = [*TRIP_ENDS, MORNINGS] if name in ("1.6 km²", "47 km²", "city") else TRIP_ENDS
        for end in ends:
            yield f"{name}, {end}", WEEKLY_AVERAGE, fields(box, end)
    yield "groupedTrips", GROUPED_TRIPS, None
    yield "regions", REGIONS, None


def measured(binary, data, runs):
    """Of each question the answer, and the median of so many runs after the first."""
    with Server(binary, data) as server:
        found = {}
        for name, document, variables in questions():
            answers = [server.ask(document, variables) for _ in range(runs + 1)]
            found[name] = answers[0][0], statistics.median(ms for _, ms in answers[1:])
        return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", type=Path, default=Path("target/release/tripgraph"))
    parser.add_argument("--files", type=int, default=5_000)
    parser.add_argument("--rows", type=int, default=200, help="of each file")
    parser.add_argument("--runs", type=int, default=9, help="of each question, after the first")
    options = parser.parse_args()
    binary = options.binary.resolve()

    with tempfile.TemporaryDirectory() as work:
        work = Path(work)
        file, parts = work / "trips.csv", work / "parts"
        generate(binary, options.files * options.rows, 1, file)
        split(file, parts, options.files)

        def ingest(data, what):
            command = [binary, "ingest", "--data-dir", data, "--sql-trips", "off", what]
            return machine.run(command)[0]

        one, many = work / "one", work / "many"
        print(f"{options.files:,} files of {options.rows:,} rows; seconds to ingest:", end=" ")
        print(f"one file {ingest(one, file):.1f}, small files {ingest(many, parts):.1f}", end=", ")
        of_one = measured(binary, one, options.runs)
        after = measured(binary, many, options.runs)
        seconds, _ = machine.run([binary, "compact", "--data-dir", many])
        print(f"merging the rest {seconds:.1f}\n")
        settled = measured(binary, many, options.runs)

    print("| question | one file, ms | small files, straight after | merged | merged ÷ one |")
    print("|---|---|---|---|---|")
    for name, (answer, ms) in of_one.items():
        if not answer == after[name][0] == settled[name][0]:
            raise BenchError(f"{name}: the answers differ")
        both = after[name][1], settled[name][1]
        print(f"| {name} | {ms:.1f} | {both[0]:.1f} | {both[1]:.1f} | {both[1] / ms:.2f} |")


if __name__ == "__main__":
    main()
