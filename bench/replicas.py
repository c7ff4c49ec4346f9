#!/usr/bin/env python3
"""Measures queries per second of a server with 0, 1 and 2 read replicas, all on this machine.

    bench/replicas.py [--rows 1000000] [--seconds 10] [--clients 8]

Primary, replicas and server share the processors of this machine. So the figures show what replicas cost, and
how the queries are spread; where each database has a machine of its own, replicas add processors.
Needs the programs of PostgreSQL (PG_BIN, by default the newest of /usr/lib/postgresql) and TRIPGRAPH_BIN.
"""

import argparse
import json
import os
import random
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BINARY = os.environ.get("TRIPGRAPH_BIN", str(ROOT / "target/dist/tripgraph"))
QUERY = """query ($bbox: BoundingBox) { weeklyAverage(bbox: $bbox) { totalTrips } }"""


def programs():
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    return Path(os.environ.get("PG_BIN") or found[-1])


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Postgres:
    def __init__(self, folder, primary=None):
        self.data, self.port = folder / "data", free_port()
        self.url = f"postgres://postgres@127.0.0.1:{self.port}/postgres"
        folder.mkdir()
        if os.getuid() == 0:
            shutil.chown(folder, "postgres")
        if primary:
            self.run("pg_basebackup", "-R", "-c", "fast", "--no-sync", "-D", self.data, "-d", primary.url)
        else:
            self.run("initdb", "-U", "postgres", "-A", "trust", "-N", "--locale=C", "-E", "UTF8", "-D", self.data)
        options = f"-p {self.port} -h 127.0.0.1 -k {folder} -c shared_buffers=256MB -c fsync=off -c max_wal_size=4GB"
        self.run("pg_ctl", "-D", self.data, "-o", options, "-l", folder / "log", "-w", "start")

    def run(self, program, *arguments):
        command = [programs() / program, *arguments]
        if os.getuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/")

    def stop(self):
        self.run("pg_ctl", "-D", self.data, "-m", "immediate", "stop")


class Server:
    def __init__(self, folder, primary, replicas):
        self.address = f"http://127.0.0.1:{free_port()}"
        options = [BINARY, "serve", "--listen", self.address[7:], "--data-dir", folder, "--cache-bytes", "0"]
        options += ["--database-url", primary.url, "--log", "warn", "--sql-trips", "off"]
        options += [part for replica in replicas for part in ("--read-url", replica.url)]
        self.process = subprocess.Popen(options)
        for _ in range(600):
            try:
                ready = json.load(urllib.request.urlopen(f"{self.address}/health/ready"))
                if all(replica["state"] == "current" for replica in ready.get("replicas", [])):
                    # Until it has noticed that the replicas answer.
                    time.sleep(1)
                    return
            except OSError:
                pass
            time.sleep(0.1)
        raise SystemExit("the server is not ready")

    def ask(self, bbox):
        body = json.dumps({"query": QUERY, "variables": {"bbox": bbox}}).encode()
        asked = urllib.request.Request(f"{self.address}/graphql", body, {"Content-Type": "application/json"})
        answer = json.load(urllib.request.urlopen(asked))
        assert "errors" not in answer, answer
        return answer["data"]["weeklyAverage"]["totalTrips"]

    def metric(self, name):
        page = urllib.request.urlopen(f"{self.address}/metrics").read().decode()
        return [float(value) for value in re.findall(rf"^{name}\{{.*\}} (\S+)$", page, re.M)]

    def stop(self):
        self.process.terminate()
        self.process.wait()


def boxes(seed, side):
    chance = random.Random(seed)
    while True:
        west, south = chance.uniform(14.3, 14.55), chance.uniform(50.0, 50.15)
        yield {"west": west, "south": south, "east": west + side, "north": south + side * 0.64}


def rate(server, side, clients, seconds):
    counts, end = [0] * clients, time.monotonic() + seconds

    def client(index):
        for box in boxes(index, side):
            server.ask(box)
            counts[index] += 1
            if time.monotonic() > end:
                return

    threads = [threading.Thread(target=client, args=(index,)) for index in range(clients)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.monotonic() - began)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--clients", type=int, default=8)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    running = []
    try:
        primary = Postgres(folder / "primary")
        running.append(primary)
        subprocess.run([BINARY, "generate", "--rows", str(options.rows), "--output", folder / "trips.csv"], check=True)
        ingest = [BINARY, "ingest", "--database-url", primary.url, "--data-dir", folder / "home", folder / "trips.csv"]
        subprocess.run([*ingest, "--sql-trips", "off"], check=True)
        replicas = []
        for number in (1, 2):
            replicas.append(Postgres(folder / f"replica-{number}", primary))
            running.append(replicas[-1])
        print("| replicas | 1.6 km² boxes/s | 47 km² boxes/s | questions of each replica | fallbacks |")
        print("|---|---|---|---|---|")
        expected = None
        for number in (0, 1, 2):
            server = Server(folder / "home", primary, replicas[:number])
            running.append(server)
            some = [server.ask(box) for _, box in zip(range(20), boxes(99, 0.1))]
            assert expected in (None, some), "answers differ"
            expected = some
            rates = [rate(server, side, options.clients, options.seconds) for side in (0.0177, 0.096)]
            questions = ", ".join(f"{count:.0f}" for count in server.metric("tripgraph_replica_questions_total"))
            fallbacks = sum(server.metric("tripgraph_replica_fallbacks_total"))
            print(f"| {number} | {rates[0]:.0f} | {rates[1]:.0f} | {questions or '–'} | {fallbacks:.0f} |")
            running.pop().stop()
    finally:
        for process in reversed(running):
            process.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
