#!/usr/bin/env python3
"""Compares tripgraph on a Citus cluster with tripgraph on plain PostgreSQL: answers, and times as ratios.

    tests/cluster/compare.py PLAIN_URL COORDINATOR_URL [--rows 1000000] [--rounds 15]

The URLs are what tests/cluster/start prints; each names a database that may be filled with trips. Nodes and
server share the processors of one machine unless the URLs name others. TRIPGRAPH_BIN is the program.

Three files are ingested: one of --rows trips, one of 100,000 trips that are scattered over the world, and, while
small boxes are asked for, one of a third of --rows.
"""

import argparse
import json
import os
import random
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BINARY = os.environ.get("TRIPGRAPH_BIN", str(ROOT / "target/debug/tripgraph"))
AVERAGE = "query ($bbox: BoundingBox) { weeklyAverage(bbox: $bbox) { totalTrips average } }"
GROUPS = """query ($bbox: BoundingBox) { groupedTrips(filter: { bbox: $bbox }, first: 10) { totalCount nodes { id trips } } }"""
EVERYWHERE = """{ groupedTrips(first: 10) { totalCount nodes { id trips } } }"""
MEMBERS = """query ($bbox: BoundingBox) { groupedTrips(filter: { bbox: $bbox }, first: 1) {
    nodes { trips members(first: 50) { nodes { departedAt } } } } }"""
INGEST = "mutation ($file: Upload!) { ingestTrips(file: $file) { ingestion { id } } }"
BOUNDARY = "----trips"
SMALL = 0.0177
CLIENTS = 32


def box(chance, side):
    west, south = chance.uniform(14.35, 14.5), chance.uniform(50.02, 50.12)
    return {"bbox": {"west": west, "south": south, "east": west + side, "north": south + side * 0.64}}


QUESTIONS = {
    "1.6 km²": (AVERAGE, SMALL),
    "47 km²": (AVERAGE, 0.096),
    "city": (AVERAGE, 0.4),
    "groups, 47 km²": (GROUPS, 0.096),
    "members": (MEMBERS, SMALL),
}


class Server:
    def __init__(self, url, home, citus, log=None):
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.address = "http://127.0.0.1:%d" % listener.getsockname()[1]
        command = [BINARY, "serve", "--listen", self.address[7:], "--data-dir", home, "--database-url", url]
        command += ["--cache-bytes", "0", "--log", "warn", "--sql-trips", "off"] + ["--citus"] * citus
        self.process = subprocess.Popen(command, stderr=log)
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{self.address}/health/ready")
                return
            except OSError:
                time.sleep(0.1)
        raise SystemExit("the server is not ready")

    def ask(self, query, variables):
        body = json.dumps({"query": query, "variables": variables}).encode()
        asked = urllib.request.Request(f"{self.address}/graphql", body, {"Content-Type": "application/json"})
        began = time.perf_counter()
        answer = json.load(urllib.request.urlopen(asked))
        took = time.perf_counter() - began
        if "errors" in answer:
            raise SystemExit(f"{query}: {answer['errors']}")
        return answer["data"], took

    def upload(self, file):
        operations = {"query": INGEST, "variables": {"file": None}}
        fields = {"operations": json.dumps(operations), "map": '{"0": ["variables.file"]}'}
        parts = [f'--{BOUNDARY}\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()]
        parts.append(f'--{BOUNDARY}\r\ncontent-disposition: form-data; name="0"; filename="{Path(file).name}"\r\n\r\n')
        body = "".join(parts).encode() + Path(file).read_bytes() + f"\r\n--{BOUNDARY}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        answer = json.load(urllib.request.urlopen(urllib.request.Request(f"{self.address}/graphql", body, headers)))
        if "errors" in answer:
            raise SystemExit(f"upload: {answer['errors']}")


def ingest(url, home, file, citus):
    began = time.monotonic()
    command = [BINARY, "ingest", "--database-url", url, "--data-dir", home, "--sql-trips", "off", str(file)]
    ran = subprocess.run(command + ["--citus"] * citus, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise SystemExit(ran.stderr)
    print(re.sub(r"\s+", " ", ran.stdout).strip(), file=sys.stderr)
    return time.monotonic() - began


def alternate(servers, rounds, query, variables):
    """Asks both servers in turn; their answers must be equal. Returns the median times in seconds."""
    times = [[] for _ in servers]
    for number in range(rounds):
        given, answers = variables(), []
        # Neither is always the first.
        for index in (0, 1) if number % 2 else (1, 0):
            answer, seconds = servers[index].ask(query, given)
            answers.append(answer)
            times[index].append(seconds)
        if answers[0] != answers[1]:
            raise SystemExit(f"{query}, {given}: {answers}")
    return [statistics.median(one) for one in times]


def rate(server, questions):
    """Questions a second of clients who ask for small boxes."""

    def client(seed):
        chance = random.Random(seed)
        for _ in range(questions):
            server.ask(AVERAGE, box(chance, SMALL))

    began = time.monotonic()
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(client, range(CLIENTS)))
    return CLIENTS * questions / (time.monotonic() - began)


def asked_meanwhile(server, work):
    """The median and the longest time of small boxes while something is done, in seconds."""
    times, chance = [], random.Random(3)
    thread = threading.Thread(target=work)
    thread.start()
    while thread.is_alive():
        times.append(server.ask(AVERAGE, box(chance, SMALL))[1])
        time.sleep(0.01)
    return statistics.median(times), max(times)


def row(name, plain, citus, unit, ratio):
    print(f"| {name} | {plain:,.1f} {unit} | {citus:,.1f} {unit} | {ratio:.2f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("plain")
    parser.add_argument("coordinator")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = {
            "trips": (options.rows, "cities", 1),
            "world": (100_000, "world", 2),
            "more": (options.rows // 3, "cities", 3),
        }
        for name, (rows, shape, seed) in files.items():
            command = [BINARY, "generate", "--rows", str(rows), "--shape", shape, "--seed", str(seed)]
            subprocess.run([*command, "--output", f"{folder}/{name}"], check=True)
        both = [(options.plain, f"{folder}/plain", False), (options.coordinator, f"{folder}/citus", True)]
        took = [ingest(url, home, f"{folder}/trips", citus) for url, home, citus in both]
        print("| | plain | Citus | Citus ÷ plain |\n|---|---|---|---|")
        row(f"ingestion of {options.rows:,}", *(options.rows / one for one in took), "rows/s", took[0] / took[1])
        for url, home, citus in both:
            ingest(url, home, f"{folder}/world", citus)
        servers = [Server(*one) for one in both]
        try:
            for name, (query, side) in QUESTIONS.items():
                chance = random.Random(7)
                plain, citus = alternate(servers, options.rounds, query, lambda: box(chance, side))  # noqa: B023
                row(name, plain * 1000, citus * 1000, "ms", citus / plain)
            plain, citus = alternate(servers, 3, EVERYWHERE, dict)
            row("groups everywhere", plain * 1000, citus * 1000, "ms", citus / plain)
            plain, citus = (rate(server, options.rounds) for server in servers)
            row(f"{CLIENTS} clients, 1.6 km²", plain, citus, "questions/s", citus / plain)
            busy = []
            for server, (url, home, citus) in zip(servers, both):
                busy.append(asked_meanwhile(server, lambda: ingest(url, f"{home}-2", f"{folder}/more", citus)))  # noqa: B023
            for index, name in enumerate(("1.6 km² during an ingestion", "the longest of these")):
                plain, citus = (times[index] for times in busy)
                row(name, plain * 1000, citus * 1000, "ms", citus / plain)
        finally:
            for server in servers:
                server.process.terminate()
                server.process.wait()


if __name__ == "__main__":
    main()
