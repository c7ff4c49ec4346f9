"""Driving tripgraph from outside: its command line, and its API over HTTP."""

import http.client
import json
import re
import shutil
import subprocess
import threading
import time
import urllib.parse
from itertools import chain
from pathlib import Path

import machine
from areas import HOURS, MORNINGS, WEEKDAYS
from machine import BenchError, evict
from results import TRIPGRAPH, WITH_SQL_ROWS

WEEKLY_AVERAGE = """
query ($bbox: BoundingBox!, $tripEnd: TripEnd!, $days: [DayOfWeek!], $times: [TimeRange!]) {
  weeklyAverage(bbox: $bbox, tripEnd: $tripEnd, daysOfWeek: $days, timeRanges: $times) {
    average totalTrips weeks { week trips }
  }
}"""
GROUPED_TRIPS = """
query ($resolution: Int! = 7) { groupedTrips(resolution: $resolution) {
    totalCount
    nodes { id trips startTime endTime origin { index } destination { index } }
} }"""
NOTHING = "{ __typename }"
INGEST_TRIPS = """
mutation ($file: Upload!) {
  ingestTrips(file: $file, allowDuplicate: true) { ingestion { id } }
}"""
STATE = "query ($id: ID!) { ingestion(id: $id) { state } }"
BOUNDARY = "a-boundary-that-no-trip-has"


def build(root):
    """Builds the binary as it is released where it is not up to date, and tells where it is."""
    cargo = ["cargo", "build", "--profile", "dist", "--locked", "--bin", "tripgraph"]
    if subprocess.run(cargo, cwd=root).returncode != 0:
        raise BenchError("tripgraph does not build")
    metadata = subprocess.run(
        ["cargo", "metadata", "--format-version", "1", "--no-deps"],
        cwd=root,
        capture_output=True,
        check=True,
    )
    return Path(json.loads(metadata.stdout)["target_directory"]) / "dist" / "tripgraph"


def database_files(data):
    """What there is to a database in a data folder."""
    return [data / f"tripgraph.db{end}" for end in ("", "-wal", "-shm")]


def bytes_on_disk(data):
    """The size of the database in a data folder."""
    return sum(file.stat().st_size for file in database_files(data) if file.exists())


def generate(binary, rows, seed, file, shape="cities"):
    """Makes a file of trips, always the same one."""
    options = ["--rows", str(rows), "--seed", str(seed), "--shape", shape, "--output", file]
    machine.run([binary, "generate", *options])


def fields(box, trip_end):
    """The variables of `WEEKLY_AVERAGE`."""
    if trip_end != MORNINGS:
        return {"bbox": box._asdict(), "tripEnd": trip_end}
    first, last = (f"{hour:02}:00" for hour in HOURS)
    return {
        "bbox": box._asdict(), "tripEnd": "ORIGIN",
        "days": WEEKDAYS, "times": [{"from": first, "to": last}],
    }  # fmt: skip


class Program:
    """tripgraph on SQLite with a folder of its own; as `peer.py` describes it."""

    title, cold, slow, groups, asked = TRIPGRAPH, True, False, True, True
    # Until every answer has the trips. Rows for SQL, which no answer reads, are left out.
    sql_trips = "off"

    def __init__(self, binary, folder):
        self.binary = binary
        self.data = folder / "data"

    def load(self, file):
        self.remove()
        options = ["--data-dir", self.data, "--sql-trips", self.sql_trips]
        seconds, memory = machine.run([self.binary, "ingest", *options, file])
        return seconds, memory, bytes_on_disk(self.data)

    def settle(self):
        # A server does this when it is idle, which would be during the questions.
        options = ["--data-dir", self.data, "--sql-trips", "off"]
        return machine.run([self.binary, "compact", *options])

    def running(self, kept=False):
        return Server(self.binary, self.data, kept=kept)

    def remove(self):
        shutil.rmtree(self.data, ignore_errors=True)


class WithSqlRows(Program):
    """The same until the table `trip` has all trips, too; not asked, since no answer reads it."""

    title, asked = WITH_SQL_ROWS, False
    sql_trips = "background"


# The line with the address, and what is wrong.
LOG = "warn,tripgraph::cli=info"


class Server:
    """`tripgraph serve` as a context, started on a database that is not in memory, or on the one
    at an address, as that one is. Answers are kept for the next question only where that is asked
    for.
    """

    def __init__(self, binary, data, url=None, kept=False):
        self.binary = binary
        self.data = data
        self.cache = [] if kept else ["--cache-bytes", "0"]
        self.database = ["--database-url", url] if url else []

    def __enter__(self):
        evict(*database_files(self.data))
        command = [self.binary, "serve", "--listen", "127.0.0.1:0", "--data-dir", self.data]
        command += ["--sql-trips", "off"]
        self.process = subprocess.Popen(
            [*command, *self.cache, *self.database, "--log-format", "json", "--log", LOG],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.address = address = self.wait()
        threading.Thread(target=self.process.stderr.read, daemon=True).start()
        self.connection = http.client.HTTPConnection(address, timeout=600)
        # The first answer of all pays for the connection and the code; what it asks is in memory.
        self.ask(NOTHING)
        return self

    def wait(self):
        """The address, once it is logged."""
        lines = []
        for line in self.process.stderr:
            lines.append(line)
            message = json.loads(line).get("fields", {}).get("message", "")
            if page := re.search(r"http://(.*)/graphiql", message):
                return page[1]
        raise BenchError(f"tripgraph serve ended:\n{''.join(lines)}")

    def __exit__(self, *_):
        self.connection.close()
        self.process.terminate()
        self.process.wait()

    def ask(self, query, variables=None):
        """The answer's data, and the milliseconds from the question to its last byte."""
        body = json.dumps({"query": query, "variables": variables or {}})
        return self.post(body, "application/json")

    def post(self, body, kind):
        """The same for a body that is ready."""
        started = time.perf_counter()
        self.connection.request("POST", "/graphql", body, {"Content-Type": kind})
        reply = self.connection.getresponse().read()
        milliseconds = (time.perf_counter() - started) * 1000
        answer = json.loads(reply)
        if "errors" in answer:
            raise BenchError(f"tripgraph answers {answer['errors']}")
        return answer["data"], milliseconds

    def weeks(self, box, trip_end):
        """The trips of each week with trips in a box, and the milliseconds."""
        data, milliseconds = self.ask(WEEKLY_AVERAGE, fields(box, trip_end))
        answer = data["weeklyAverage"]
        weeks = {week["week"]: week["trips"] for week in answer["weeks"] if week["trips"]}
        if sum(weeks.values()) != answer["totalTrips"]:
            raise BenchError("the weeks do not add up to the total")
        return weeks, milliseconds

    def grouped(self, resolution):
        """The milliseconds for the largest groups of cells of a resolution."""
        return self.ask(GROUPED_TRIPS, {"resolution": resolution})[1]

    def link(self, box, trip_end):
        """The address that answers the question of `weeks`, for programs that only know GET."""
        question = {
            "query": WEEKLY_AVERAGE,
            "variables": json.dumps(fields(box, trip_end)),
        }
        return f"http://{self.address}/graphql?{urllib.parse.urlencode(question)}"

    def upload(self, file):
        """Sends a file, whether or not it has been sent before: the number of its ingestion."""
        operations = {"query": INGEST_TRIPS, "variables": {"file": None}}
        head = (
            part("operations", json.dumps(operations))
            + part("map", '{"0": ["variables.file"]}')
            + part('0"; filename="trips.csv', "")[: -len("\r\n")]
        ).encode()
        tail = f"\r\n--{BOUNDARY}--\r\n".encode()
        with open(file, "rb") as trips:
            body = chain([head], iter(lambda: trips.read(1 << 20), b""), [tail])
            data, _ = self.post(body, f"multipart/form-data; boundary={BOUNDARY}")
        return data["ingestTrips"]["ingestion"]["id"]

    def metric(self, name):
        """The value of a metric without labels."""
        self.connection.request("GET", "/metrics")
        text = self.connection.getresponse().read().decode()
        found = re.search(rf"^{name} (\S+)$", text, re.MULTILINE)
        if not found:
            raise BenchError(f"there is no metric {name}")
        return float(found[1])

    def state(self, ingestion):
        """What has become of an ingestion."""
        return self.ask(STATE, {"id": ingestion})[0]["ingestion"]["state"]


def part(name, value):
    """A field of a form."""
    return f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
