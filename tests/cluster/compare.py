#!/usr/bin/env python3
"""Compares tripgraph on a Citus cluster with tripgraph on plain PostgreSQL: answers, and times as ratios.

    tests/cluster/compare.py PLAIN_URL COORDINATOR_URL [--rows 1000000] [--rounds 15]

The URLs are what tests/cluster/start prints; each names a database that may be filled with trips. Nodes and
server share the processors of one machine unless the URLs name others. TRIPGRAPH_BIN is the program.
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
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BINARY = os.environ.get("TRIPGRAPH_BIN", str(ROOT / "target/debug/tripgraph"))
AVERAGE = "query ($bbox: BoundingBox) { weeklyAverage(bbox: $bbox) { totalTrips average } }"
GROUPS = """query ($bbox: BoundingBox) { groupedTrips(filter: { bbox: $bbox }, first: 10) { totalCount nodes { id trips } } }"""
MEMBERS = """query ($bbox: BoundingBox) { groupedTrips(filter: { bbox: $bbox }, first: 1) {
    nodes { trips members(first: 50) { nodes { departedAt } } } } }"""


def box(chance, side):
    west, south = chance.uniform(14.35, 14.5), chance.uniform(50.02, 50.12)
    return {"bbox": {"west": west, "south": south, "east": west + side, "north": south + side * 0.64}}


QUESTIONS = {
    "1.6 km²": (AVERAGE, 0.0177),
    "47 km²": (AVERAGE, 0.096),
    "city": (AVERAGE, 0.4),
    "groups, 47 km²": (GROUPS, 0.096),
    "members": (MEMBERS, 0.0177),
}


class Server:
    def __init__(self, url, home, citus):
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.address = "http://127.0.0.1:%d" % listener.getsockname()[1]
        command = [BINARY, "serve", "--listen", self.address[7:], "--data-dir", home, "--database-url", url]
        command += ["--cache-bytes", "0", "--log", "warn", "--sql-trips", "off"] + ["--citus"] * citus
        self.process = subprocess.Popen(command)
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


def ingest(url, home, file, citus):
    began = time.monotonic()
    command = [BINARY, "ingest", "--database-url", url, "--data-dir", home, "--sql-trips", "off", str(file)]
    ran = subprocess.run(command + ["--citus"] * citus, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise SystemExit(ran.stderr)
    print(re.sub(r"\s+", " ", ran.stdout).strip(), file=sys.stderr)
    return time.monotonic() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("plain")
    parser.add_argument("coordinator")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "trips.csv"
        subprocess.run([BINARY, "generate", "--rows", str(options.rows), "--output", file], check=True)
        both = [(options.plain, f"{folder}/plain", False), (options.coordinator, f"{folder}/citus", True)]
        took = [ingest(url, home, file, citus) for url, home, citus in both]
        print("| | plain | Citus | ratio of times |\n|---|---|---|---|")
        plain, citus = (f"{options.rows / seconds:,.0f} rows/s" for seconds in took)
        print(f"| ingestion of {options.rows:,} | {plain} | {citus} | {took[1] / took[0]:.2f} |", flush=True)
        servers = [Server(*one) for one in both]
        try:
            for name, (query, side) in QUESTIONS.items():
                chance, times = random.Random(7), ([], [])
                for _ in range(options.rounds):
                    variables = box(chance, side)
                    answers = []
                    for server, list_ in zip(servers, times):
                        answer, seconds = server.ask(query, variables)
                        answers.append(answer)
                        list_.append(seconds)
                    if answers[0] != answers[1]:
                        raise SystemExit(f"{name}, {variables}: {answers}")
                plain, citus = (statistics.median(one) * 1000 for one in times)
                print(f"| {name} | {plain:.1f} ms | {citus:.1f} ms | {citus / plain:.2f} |", flush=True)
        finally:
            for server in servers:
                server.process.terminate()
                server.process.wait()


if __name__ == "__main__":
    main()
