"""What a cheap question and an upload wait for beside many costly questions.

    cargo build --release
    python3 bench/starvation.py --binary target/release/tripgraph

prints one table. Run it with the binaries of two versions to compare them.
"""

import argparse
import json
import random
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path

import machine
from tripgraph import Program, generate

GROUPS = """
query ($bbox: BoundingBox!, $minTrips: Long!) {
  groupedTrips(filter: { bbox: $bbox, tripEnd: BOTH }, resolution: 9, minTrips: $minTrips) {
    totalCount nodes { id trips }
} }"""
BOTH = """
query ($bbox: BoundingBox!) {
  weeklyAverage(bbox: $bbox, tripEnd: BOTH) { totalTrips }
}"""
CHEAP = """
query ($bbox: BoundingBox!) {
  weeklyAverage(bbox: $bbox) { totalTrips }
}"""
UPLOADED_ROWS = 1_000


def globe():
    """The globe but for a sliver that differs from question to question: no two are identical."""
    sliver = random.random() / 1000
    return {"west": -180 + sliver, "south": -90, "east": 180, "north": 90}


def block():
    """A few streets of Prague, somewhere else each time."""
    west, south = 14.40 + random.random() / 50, 50.05 + random.random() / 50
    return {"west": west, "south": south, "east": west + 0.004, "north": south + 0.003}


def ask(address, query, variables):
    """The milliseconds of an answer and the code of its error, if it has one."""
    body = json.dumps({"query": query, "variables": variables}).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"http://{address}/graphql", body, headers)
    started = time.perf_counter()
    with urllib.request.urlopen(request, timeout=600) as reply:
        answer = json.load(reply)
    milliseconds = (time.perf_counter() - started) * 1000
    errors = answer.get("errors")
    return milliseconds, errors[0]["extensions"]["code"] if errors else None


class Costly(threading.Thread):
    """A client that asks costly questions, one after the other."""

    def __init__(self, address, number, stop):
        super().__init__(daemon=True)
        self.address, self.number, self.stop = address, number, stop
        self.codes, self.waits = Counter(), []

    def run(self):
        while not self.stop.is_set():
            if self.number % 2:
                question = GROUPS, {"bbox": globe(), "minTrips": random.randint(1, 1 << 40)}
            else:
                question = BOTH, {"bbox": globe()}
            try:
                milliseconds, code = ask(self.address, *question)
            except (OSError, urllib.error.URLError) as error:
                milliseconds, code = 0, type(error).__name__
            self.codes[code or "answered"] += 1
            self.waits.append(milliseconds)


def cheap_waits(address, count, pause):
    waits, codes = [], Counter()
    for _ in range(count):
        milliseconds, code = ask(address, CHEAP, {"bbox": block()})
        waits.append(milliseconds)
        codes[code or "answered"] += 1
        time.sleep(pause)
    return waits, codes


def upload_waits(server, file, until, waits):
    """Uploads a small file every second."""
    while time.monotonic() < until:
        started = time.perf_counter()
        server.upload(file)
        waits.append((time.perf_counter() - started) * 1000)
        time.sleep(1)


def row(name, waits):
    if not waits:
        return f"{name:34} none"
    waits = sorted(waits)
    at = lambda share: waits[min(len(waits) - 1, int(share * len(waits)))]
    figures = " ".join(f"{at(share):10.1f}" for share in (0.5, 0.9, 0.99, 1))
    return f"{name:34} {len(waits):6} {figures}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", type=Path, default=Path("target/release/tripgraph"))
    parser.add_argument("--rows", type=int, default=2_400_000)
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--work", type=Path, help="keeps the trips and the database there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(options, options.work or Path(folder))


def measure(options, folder):
    folder.mkdir(parents=True, exist_ok=True)
    binary = options.binary.resolve()
    file, small = folder / f"{options.rows}.csv", folder / "small.csv"
    if not file.exists():
        generate(binary, options.rows, 1, file)
        generate(binary, UPLOADED_ROWS, 2, small)
    program = Program(binary, folder)
    if not program.data.exists():
        program.load(file)
    print(f"{binary}: {options.rows} trips, {options.clients} costly clients, "
          f"{machine.cores()} cores, load {machine.load()}")
    print(f"{'milliseconds':34} {'count':>6} {'median':>10} {'90 %':>10} {'99 %':>10} {'worst':>10}")
    with program.running() as server:
        alone, _ = cheap_waits(server.address, 300, 0)
        print(row("cheap question, alone", alone))
        costly = [ask(server.address, query, variables)[0] for query, variables in [
            (GROUPS, {"bbox": globe(), "minTrips": 1}), (BOTH, {"bbox": globe()})]]
        print(row("costly questions, alone", costly))
        stop, until = threading.Event(), time.monotonic() + options.seconds
        clients = [Costly(server.address, number, stop) for number in range(options.clients)]
        for client in clients:
            client.start()
        uploads = []
        uploader = threading.Thread(
            target=upload_waits, args=(server, small, until, uploads), daemon=True
        )
        uploader.start()
        cheap, codes = [], Counter()
        while time.monotonic() < until:
            waits, seen = cheap_waits(server.address, 10, 0.05)
            cheap += waits
            codes += seen
        uploader.join()
        stop.set()
        for client in clients:
            client.join()
        print(row("cheap question, beside them", cheap), dict(codes))
        print(row("upload, beside them", uploads))
        asked = sum((client.codes for client in clients), Counter())
        print(row("costly questions, side by side", sum((c.waits for c in clients), [])), dict(asked))


if __name__ == "__main__":
    main()
