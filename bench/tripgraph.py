"""Driving tripgraph from outside: its command line, and its API over HTTP."""

import http.client
import json
import subprocess
import threading
import time
from pathlib import Path

from machine import BenchError, evict

WEEKLY_AVERAGE = """
query ($bbox: BoundingBox!, $tripEnd: TripEnd!) {
  weeklyAverage(bbox: $bbox, tripEnd: $tripEnd) { average totalTrips weeks { week trips } }
}"""
GROUPED_TRIPS = """
{ groupedTrips {
    totalCount
    nodes { id trips startTime endTime origin { index } destination { index } }
} }"""
NOTHING = "{ __typename }"


def build(root):
    """Builds the release binary where it is not up to date, and tells where it is."""
    cargo = ["cargo", "build", "--release", "--locked", "--bin", "tripgraph"]
    if subprocess.run(cargo, cwd=root).returncode != 0:
        raise BenchError("tripgraph does not build")
    metadata = subprocess.run(
        ["cargo", "metadata", "--format-version", "1", "--no-deps"],
        cwd=root,
        capture_output=True,
        check=True,
    )
    return Path(json.loads(metadata.stdout)["target_directory"]) / "release" / "tripgraph"


def database_files(data):
    """What there is to a database in a data folder."""
    return [data / f"tripgraph.db{end}" for end in ("", "-wal", "-shm")]


def bytes_on_disk(data):
    """The size of the database in a data folder."""
    return sum(file.stat().st_size for file in database_files(data) if file.exists())


class Server:
    """`tripgraph serve` as a context, started on a database that is not in memory, or on the one
    at an address, as that one is.
    """

    def __init__(self, binary, data, url=None):
        self.binary = binary
        self.data = data
        self.database = ["--database-url", url] if url else []

    def __enter__(self):
        evict(*database_files(self.data))
        command = [self.binary, "serve", "--listen", "127.0.0.1:0", "--data-dir", self.data]
        self.process = subprocess.Popen(
            [*command, *self.database, "--log-format", "json", "--log", "info"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        address = self.wait()
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
            if address := json.loads(line).get("fields", {}).get("address"):
                return address
        raise BenchError(f"tripgraph serve ended:\n{''.join(lines)}")

    def __exit__(self, *_):
        self.connection.close()
        self.process.terminate()
        self.process.wait()

    def ask(self, query, variables=None):
        """The answer's data, and the milliseconds from the question to its last byte."""
        body = json.dumps({"query": query, "variables": variables or {}})
        started = time.perf_counter()
        self.connection.request("POST", "/graphql", body, {"Content-Type": "application/json"})
        reply = self.connection.getresponse().read()
        milliseconds = (time.perf_counter() - started) * 1000
        answer = json.loads(reply)
        if "errors" in answer:
            raise BenchError(f"tripgraph answers {answer['errors']}")
        return answer["data"], milliseconds

    def weeks(self, box, trip_end):
        """The trips of each week with trips in a box, and the milliseconds."""
        variables = {"bbox": box._asdict(), "tripEnd": trip_end}
        data, milliseconds = self.ask(WEEKLY_AVERAGE, variables)
        answer = data["weeklyAverage"]
        weeks = {week["week"]: week["trips"] for week in answer["weeks"] if week["trips"]}
        if sum(weeks.values()) != answer["totalTrips"]:
            raise BenchError("the weeks do not add up to the total")
        return weeks, milliseconds
