#!/usr/bin/env python3
"""Breaks a Citus cluster while a file is ingested, and tests what became of the trips.

    tests/cluster/faults.py DIR [PORT] [--rows 300000] [--away 20] [--only NAME]

DIR and PORT are those of tests/cluster/start: the nodes must run on this machine, since they are killed and
stopped. TRIPGRAPH_BIN is the program. Each fault has a database of its own. One file is ingested before it, another
one during it, and a server is asked all the time. Every answer must have the trips of whole files; in the end there
must be those of all, and `tripgraph verify` must find no difference. In some, two servers are asked, and each receives
a file.

For the full disks, the data of a worker is moved to a file system in memory, which needs root.
"""

import argparse
import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
from pathlib import Path

import compare

TOTAL = "{ weeklyAverage { totalTrips } }"
HERE = Path(__file__).resolve().parent
DATABASE = "faults"
WORKER = "worker-1"
# How long an ingestion may take after a fault, in seconds.
PATIENCE = 120
# What a worker's small disk has free at first, in MiB.
ROOM = 256


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
        try:
            first = await reader.read(1 << 16)
        except ConnectionResetError:
            return
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
        quiet = {**os.environ, "PGOPTIONS": "-c client_min_messages=warning"}
        return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=quiet).stdout.strip()

    def create(self, name, nodes=None):
        for node in nodes or self.ports:
            self.sql("postgres", f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", node)
            self.sql("postgres", f"CREATE DATABASE {name}", node)
            self.sql(name, "CREATE EXTENSION IF NOT EXISTS citus", node)
        if nodes:
            return
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

    @contextlib.contextmanager
    def small_disk(self, node):
        """Moves a node to a disk of its own."""
        data = self.folder / "nodes" / node
        moved = data.with_name(f"{node}-moved")
        copy = ["cp", "-a", f"{moved}/.", data]
        used = subprocess.run(["du", "-sm", data], capture_output=True, text=True, check=True).stdout.split()[0]
        self.control(node, "--mode", "fast", "stop")
        data.rename(moved)
        data.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={int(used) + ROOM}m", "tripgraph", data], check=True)
        try:
            subprocess.run(copy, check=True)
            self.control(node, "--log", f"{moved}/log", "start")
            yield
        finally:
            self.control(node, "--mode", "fast", "stop")
            subprocess.run(["umount", data], check=True)
            data.rmdir()
            moved.rename(data)
            self.control(node, "--log", str(data / "log"), "start")

    def fill(self, node, seconds):
        """Fills a node's disk for a while. A node that has stopped is started again."""
        data = self.folder / "nodes" / node
        ballast = data / "ballast"
        until = time.monotonic() + seconds
        with ballast.open("wb", buffering=0) as file:
            while time.monotonic() < until:
                try:
                    file.write(bytes(1 << 20))
                except OSError:  # It is full.
                    time.sleep(0.05)
        ballast.unlink()
        try:
            self.sql("postgres", "SELECT 1", node)
            state = "goes on"
        except subprocess.CalledProcessError:
            state = "has stopped"
            self.control(node, "--log", f"{data}-moved/log", "start")
        print(f"after {seconds} s with a full disk, {node} {state}", file=sys.stderr)

    def grow(self):
        """Adds a node, and moves its share of the shards to it."""
        node, port = "worker-3", self.port + 4
        subprocess.run([HERE / "start", self.folder, str(self.port), "3"], stdout=subprocess.DEVNULL, check=True)
        self.ports[node] = port
        self.create(DATABASE, [node])
        del self.ports[node]
        began = time.monotonic()
        self.sql(DATABASE, f"SELECT citus_add_node('127.0.0.1', {port})")
        self.sql(DATABASE, "SELECT citus_rebalance_start()")
        self.sql(DATABASE, "SELECT citus_rebalance_wait()")
        sql = f"SELECT count(*) FROM citus_shards WHERE nodeport = {port} AND citus_table_type = 'distributed'"
        moved = self.sql(DATABASE, sql)
        print(f"{moved} shards were moved in {time.monotonic() - began:.0f} s", file=sys.stderr)
        if moved == "0":
            raise SystemExit("no shard was moved")

    def cut(self, word, seconds):
        self.proxy.cut.clear()
        self.proxy.word = word
        if not self.proxy.cut.wait(60):
            raise SystemExit(f"{word} was never said")
        time.sleep(seconds)


class Watcher(threading.Thread):
    """Asks a server for the number of all trips, again and again."""

    def __init__(self, server):
        super().__init__(daemon=True)
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


def ingest(url, home, file, patience=PATIENCE):
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


def total(server):
    try:
        return server.ask(TOTAL, {})[0]["weeklyAverage"]["totalTrips"]
    except (SystemExit, urllib.error.URLError, ConnectionError):
        return None


def test(cluster, name, fault, files, rows, patience):
    """All files but the first are ingested at once: one by a program of its own, several by a server each."""
    uploads = files[1:] if len(files) > 2 else []
    cluster.create(DATABASE)
    url = cluster.url(DATABASE)
    with tempfile.TemporaryDirectory() as home:
        ingest(url, f"{home}/a", files[0])
        servers = [compare.Server(url, f"{home}/server-{number}", True, log=subprocess.DEVNULL) for number in range(max(1, len(uploads)))]
        try:
            watchers = [Watcher(server) for server in servers]
            if uploads:
                work = [(server.upload, (file,)) for server, file in zip(servers, uploads)]
            else:
                work = [(ingest, (url, f"{home}/c", files[1], patience))]
            ingestions = [threading.Thread(target=target, args=args, daemon=True) for target, args in work]
            for ingestion in ingestions:
                ingestion.start()
            fault(cluster)
            for ingestion in ingestions:
                ingestion.join()
            deadline = time.monotonic() + patience
            while any(total(server) != len(files) * rows for server in servers) and time.monotonic() < deadline:
                time.sleep(0.5)
            totals = [total(server) for server in servers]
            for watcher in watchers:
                watcher.ended = True
                watcher.join()
        finally:
            for server in servers:
                server.process.terminate()
                server.process.wait()
    verify = [compare.BINARY, "verify", "--database-url", url]
    verified = subprocess.run(verify, capture_output=True, text=True, check=False)
    seen = [watcher.answers for watcher in watchers]
    others = set().union(*seen) - {number * rows for number in range(1, len(files) + 1)}
    fine = set(totals) == {len(files) * rows} and not others and verified.returncode == 0
    answered, refused = sum(sum(one.values()) for one in seen), sum(watcher.refused for watcher in watchers)
    print(f"| {name} | {answered} | {refused} | {'yes' if fine else 'NO'} |", flush=True)
    if not fine:
        raise SystemExit(f"{name}: {seen}, in the end {totals}\n{verified.stdout}{verified.stderr}")


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
        "a worker added": after(lambda cluster: cluster.grow()),
    }
    of_two = {"a worker killed, two servers": faults["a worker killed"]}
    of_disks = {"a worker's disk full": after(lambda cluster: cluster.fill(WORKER, 8))}
    cluster = Cluster(options.folder, options.port)
    with tempfile.TemporaryDirectory() as folder:
        files = [f"{folder}/{seed}.csv" for seed in (1, 2, 3)]
        for seed, file in enumerate(files, 1):
            command = [compare.BINARY, "generate", "--rows", str(options.rows), "--seed", str(seed), "--output", file]
            subprocess.run(command, check=True)
        print("| fault | answers | errors | nothing lost, doubled or half seen |\n|---|---|---|---|")

        def run(faults, files):
            for name, fault in faults.items():
                if options.only in (None, name):
                    test(cluster, name, fault, files, options.rows, options.away + PATIENCE)

        run(faults, files[:2])
        run(of_two, files)
        if options.only in (None, *of_disks):
            with cluster.small_disk(WORKER):
                run(of_disks, files[:2])


if __name__ == "__main__":
    main()
