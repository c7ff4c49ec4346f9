"""The peer: DuckDB, reading the same file into typed columns and answering by full scans.

`Peer` drives it; run as a program, with a Python that has duckdb, this file is the other side:
one JSON request a line on standard input, one JSON answer a line on standard output. A process
of its own, so that its memory is its own, and so that a fresh one can be had.
"""

import json
import os
import resource
import subprocess
import sys
import time
import venv

from machine import BenchError, evict

THREADS = 2


class Peer:
    """A DuckDB process on a database file, as a context."""

    def __init__(self, python, database):
        self.python = python
        self.database = database

    def __enter__(self):
        evict(self.database)
        self.process = subprocess.Popen(
            [self.python, __file__, self.database],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()

    def ask(self, **request):
        """Sends a request and waits for its answer."""
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise BenchError("DuckDB has ended")
        return json.loads(answer)

    def load(self, file):
        """Ingests a file: seconds and peak memory in bytes."""
        answer = self.ask(load=str(file))
        return answer["seconds"], answer["memory"]

    def weeks(self, box, trip_end):
        """The trips of each week with trips in a box, and the milliseconds."""
        answer = self.ask(box=box, trip_end=trip_end)
        return answer["weeks"], answer["milliseconds"]


def install(work):
    """Installs DuckDB beside the results: its Python and its version, `None` where it cannot."""
    folder = work / "venv"
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    version = [python, "-c", "import duckdb; print(duckdb.__version__)"]
    pip = [python, "-m", "pip", "install", "--quiet", "duckdb"]
    done = subprocess.run(version, capture_output=True, text=True)
    if done.returncode != 0 and subprocess.run(pip).returncode == 0:
        done = subprocess.run(version, capture_output=True, text=True)
    return (python, done.stdout.strip()) if done.returncode == 0 else None


def serve(database):
    """Answers requests until there are no more."""
    import duckdb

    connection = duckdb.connect(database, config={"threads": THREADS})
    for line in sys.stdin:
        request = json.loads(line)
        if "load" in request:
            answer = load(connection, request["load"])
        else:
            answer = weeks(connection, request["box"], request["trip_end"])
        print(json.dumps(answer), flush=True)


def load(connection, file):
    """Reads a file into a table."""
    started = time.perf_counter()
    # Faster, and with less memory, than the default.
    connection.execute("SET preserve_insertion_order = false")
    connection.execute(
        f"""
        CREATE TABLE trip AS SELECT region, datasource, datetime AS departed_at,
            {coordinates("origin")}, {coordinates("destination")}
        FROM read_csv(?, header = true, columns = {{
            'region': 'VARCHAR', 'origin_coord': 'VARCHAR', 'destination_coord': 'VARCHAR',
            'datetime': 'TIMESTAMP', 'datasource': 'VARCHAR'}})""",
        [file],
    )
    connection.execute("CHECKPOINT")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"seconds": time.perf_counter() - started, "memory": memory}


def coordinates(end):
    """Longitude and latitude of `POINT (lon lat)`, the only spelling that is generated."""
    numbers = f"{end}_coord[8:-2]"
    return (
        f"split_part({numbers}, ' ', 1)::DOUBLE AS {end}_lon, "
        f"split_part({numbers}, ' ', 2)::DOUBLE AS {end}_lat"
    )


def weeks(connection, box, trip_end):
    """The week series of a box, by a scan of all trips."""
    west, south, east, north = box
    within = {
        end: f"({end}_lon BETWEEN {west} AND {east} AND {end}_lat BETWEEN {south} AND {north})"
        for end in ("origin", "destination")
    }
    condition = {
        "ORIGIN": within["origin"],
        "DESTINATION": within["destination"],
        "BOTH": " AND ".join(within.values()),
        "EITHER": " OR ".join(within.values()),
    }[trip_end]
    started = time.perf_counter()
    rows = connection.execute(
        f"""
        SELECT date_trunc('week', departed_at)::DATE AS week, count(*) FROM trip
        WHERE {condition} GROUP BY week ORDER BY week"""
    ).fetchall()
    milliseconds = (time.perf_counter() - started) * 1000
    return {"milliseconds": milliseconds, "weeks": {str(week): trips for week, trips in rows}}


if __name__ == "__main__":
    serve(os.fspath(sys.argv[1]))
