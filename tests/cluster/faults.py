#!/usr/bin/env python3
"""Breaks a Citus cluster while a file is ingested, and tests what became of the trips.

    tests/cluster/faults.py DIR [PORT] [--rows 300000] [--away 20] [--only NAME]

DIR and PORT are those of tests/cluster/start: the nodes must run on this machine, since they are killed and
stopped. TRIPGRAPH_BIN is the program. Each fault has a database of its own. One file is ingested before it, another
one during it, and a server is asked all the time. Every answer must have either the trips of the first file or those
of both; in the end there must be those of both, and `tripgraph verify` must find no difference.
"""

import argparse
import asyncio
import os
import signal
import subprocess
import tempfile
import threading
import time
import urllib.error
from pathlib import Path

import compare

TOTAL = "{ weeklyAverage { totalTrips } }"
WORKER = "worker-1"


class Proxy(threading.Thread):
    """Passes on what the coordinator and a node say to each other, in plain text, until they say a word."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.target, self.word, self.cut, self.port = port, None, threading.Event(), None
        self.ready = threading.Event()
        self.start()
        self.ready.wait()

    def run(self):
        asyncio.run(self.serve())

    async def serve(self):
        server = await asyncio.start_server(self.connection, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self.ready.set()
        await server.serve_forever()

    async def connection(self, reader, writer):
        first = await reader.read(1 << 16)
        if first[4:8] == b"\x04\xd2\x16\x2f":  # It asks for TLS.
            writer.write(b"N")
            first = await reader.read(1 << 16)
        try:
            node_reader, node_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.close()
            return
        node_writer.write(first)

        async def pass_on(source, target):
            while data := await source.read(1 << 16):
                if self.word and self.word in data:
                    self.word = None
                    self.cut.set()
                    break
                target.write(data)
                await target.drain()

        passing = [asyncio.ensure_future(pass_on(*pair)) for pair in ((reader, node_writer), (node_reader, writer))]
        await asyncio.wait(passing, return_when=asyncio.FIRST_COMPLETED)
        for task in passing:
            task.cancel()
        writer.close()
        node_writer.close()


class Cluster:
    def __init__(self, folder, port):
        self.folder, self.port = Path(folder).resolve(), port
        self.bin = next(self.folder.glob("root/**/bin/initdb")).parent
        self.ports = {"coordinator": port + 1, WORKER: port + 2, "worker-2": port + 3}
        self.proxy = Proxy(self.ports[WORKER])
        # By default, commits that were cut off are completed after up to a minute.
        self.sql("postgres", "ALTER SYSTEM SET citus.recover_2pc_interval = '5s'")
        self.sql("postgres", "SELECT pg_reload_conf()")

    def url(self, database, node="coordinator"):
        return f"postgres://postgres@127.0.0.1:{self.ports[node]}/{database}"

    def sql(self, database, sql, node="coordinator"):
        command = [self.bin / "psql", "-qAtX", "-v", "ON_ERROR_STOP=1", self.url(database, node), "-c", sql]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    def create(self, name):
        for node in self.ports:
            self.sql("postgres", f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", node)
            self.sql("postgres", f"CREATE DATABASE {name}", node)
            self.sql(name, "CREATE EXTENSION IF NOT EXISTS citus", node)
        self.sql(name, f"SELECT citus_set_coordinator_host('127.0.0.1', {self.ports['coordinator']})")
        for port in (self.proxy.port, self.ports["worker-2"]):
            self.sql(name, f"SELECT citus_add_node('127.0.0.1', {port})")

    def control(self, node, *arguments):
        command = [str(self.bin / "pg_ctl"), "--pgdata", str(self.folder / "nodes" / node), "--wait", *arguments]
        if os.getuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)

    def restart(self, node, seconds, mode="immediate"):
        self.control(node, "--mode", mode, "stop")
        time.sleep(seconds)
        self.control(node, "--log", str(self.folder / "nodes" / node / "log"), "start")

    def freeze(self, node, seconds):
        first = int((self.folder / "nodes" / node / "postmaster.pid").read_text().split()[0])
        children = subprocess.run(["pgrep", "-P", str(first)], capture_output=True, text=True, check=True)
        all_of_it = [first, *map(int, children.stdout.split())]
        for number in (signal.SIGSTOP, signal.SIGCONT):
            for process in all_of_it:
                try:
                    os.kill(process, number)
                except ProcessLookupError:
                    pass
            if number == signal.SIGSTOP:
                time.sleep(seconds)

    def cut(self, word, seconds):
        self.proxy.cut.clear()
        self.proxy.word = word
        if not self.proxy.cut.wait(60):
            raise SystemExit(f"{word} was never said")
        time.sleep(seconds)


class Watcher(threading.Thread):
    """Asks a server for the number of all trips, again and again."""

    def __init__(self, server):
        super().__init__()
        self.server, self.ended, self.answers, self.refused = server, False, {}, 0
        self.start()

    def run(self):
        while not self.ended:
            try:
                total = self.server.ask(TOTAL, {})[0]["weeklyAverage"]["totalTrips"]
                self.answers[total] = self.answers.get(total, 0) + 1
            except (SystemExit, urllib.error.URLError, ConnectionError):
                self.refused += 1
            time.sleep(0.02)


def ingest(url, home, file, patience=120):
    """Ingests a file; if the program gives up, again."""
    began = time.monotonic()
    while True:
        command = [compare.BINARY, "ingest", "--database-url", url, "--data-dir", home, "--sql-trips", "off", "--citus"]
        ran = subprocess.run([*command, file], capture_output=True, text=True, check=False)
        if ran.returncode == 0:
            return
        if time.monotonic() - began > patience:
            raise SystemExit(ran.stderr)
        time.sleep(1)


def test(cluster, name, fault, files, rows):
    database = "faults"
    cluster.create(database)
    url = cluster.url(database)
    with tempfile.TemporaryDirectory() as home:
        ingest(url, f"{home}/a", files[0])
        server = compare.Server(url, f"{home}/b", True, log=subprocess.DEVNULL)
        try:
            watcher = Watcher(server)
            ingestion = threading.Thread(target=ingest, args=(url, f"{home}/c", files[1]))
            ingestion.start()
            fault(cluster)
            ingestion.join()
            deadline, total = time.monotonic() + 60, None
            while total != 2 * rows and time.monotonic() < deadline:
                time.sleep(0.5)
                try:
                    total = server.ask(TOTAL, {})[0]["weeklyAverage"]["totalTrips"]
                except (SystemExit, urllib.error.URLError, ConnectionError):
                    pass
            watcher.ended = True
            watcher.join()
        finally:
            server.process.terminate()
            server.process.wait()
        verify = [compare.BINARY, "verify", "--database-url", url]
        verified = subprocess.run(verify, capture_output=True, text=True, check=False)
    others = set(watcher.answers) - {rows, 2 * rows}
    fine = total == 2 * rows and not others and verified.returncode == 0
    answered = sum(watcher.answers.values())
    print(f"| {name} | {answered} | {watcher.refused} | {'yes' if fine else 'NO'} |", flush=True)
    if not fine:
        raise SystemExit(f"{name}: {watcher.answers}, in the end {total}\n{verified.stdout}{verified.stderr}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("port", type=int, nargs="?", default=55440)
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--away", type=float, default=20)
    parser.add_argument("--only")
    options = parser.parse_args()
    soon = 0.3

    def after(action):
        def fault(cluster):
            time.sleep(soon)
            action(cluster)

        return fault

    faults = {
        "a worker killed": after(lambda cluster: cluster.restart(WORKER, 3)),
        "a worker restarted": after(lambda cluster: cluster.restart(WORKER, 0, "fast")),
        "a worker frozen": after(lambda cluster: cluster.freeze(WORKER, 8)),
        "a worker away": after(lambda cluster: cluster.restart(WORKER, options.away)),
        "the coordinator killed": after(lambda cluster: cluster.restart("coordinator", 3)),
        "cut at PREPARE": lambda cluster: cluster.cut(b"PREPARE TRANSACTION", 1),
        "cut at COMMIT PREPARED": lambda cluster: cluster.cut(b"COMMIT PREPARED", 1),
    }
    cluster = Cluster(options.folder, options.port)
    with tempfile.TemporaryDirectory() as folder:
        files = [f"{folder}/{seed}.csv" for seed in (1, 2)]
        for seed, file in enumerate(files, 1):
            command = [compare.BINARY, "generate", "--rows", str(options.rows), "--seed", str(seed), "--output", file]
            subprocess.run(command, check=True)
        print("| fault | answers | errors | nothing lost, doubled or half seen |\n|---|---|---|---|")
        for name, fault in faults.items():
            if options.only in (None, name):
                test(cluster, name, fault, files, options.rows)


if __name__ == "__main__":
    main()
