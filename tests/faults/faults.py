"""Faults of the surroundings: the machine, the disk, the network, the database server, the clients."""

import json
import os
import random
import re
import resource
import selectors
import shutil
import socket
import sqlite3
import subprocess
import threading
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from home import Down, Failure, until
from proxy import Proxy
from workload import FILES, FINAL, STATES, Workload, answers


class Skipped(Exception):
    """The machine does not allow this fault."""


@contextmanager
def beside(*tasks):
    """Runs tasks beside a block, each on a thread, with an event that is set when the block ends."""
    over = threading.Event()
    threads = [threading.Thread(target=task, args=(over,), daemon=True) for task in tasks]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def kills(number, seed):
    """The workload, while the server is killed at random moments."""

    def run(env):
        moments, done = random.Random(seed), 0
        with env.home() as home:
            workload = Workload(home)
            workload.up()

            def kill(over):
                nonlocal done
                while done < number and not over.wait(moments.choice([0.05, 0.3, 1.0]) * moments.random()):
                    if home.alive() and moments.random() < 0.9:
                        home.server.kill()
                        done += 1

            with beside(kill):
                workload.run()
            workload.check(env.reference)
        return f"{done} kills"

    return run


def database_stopped(env):
    """PostgreSQL is stopped at once, as if it were killed, and started again."""
    moments, stops = random.Random(env.seed), 0
    postgres = env.own_postgres()
    try:
        with env.home(postgres) as home:
            workload = Workload(home)

            def stop(over):
                nonlocal stops
                while stops < 6 and not over.wait(0.2 + 1.5 * moments.random()):
                    postgres.stop("immediate")
                    time.sleep(moments.random())
                    postgres.start()
                    stops += 1

            workload.up()
            with beside(stop):
                workload.run()
            if workload.deaths:
                raise Failure(f"the server ended with its database: {home.tail()}")
            workload.check(env.reference)
            return f"{stops} stops"
    finally:
        postgres.stop()


def answers_lost(env):
    """One commit in five is carried out, but its answer does not arrive."""
    with env.home() as home:
        proxy = Proxy(env.postgres.port, env.seed, 0.2)
        direct = home.url
        home.url = direct.replace(f":{env.postgres.port}/", f":{proxy.port}/")
        workload = Workload(home)
        workload.run()
        lost = proxy.lost
        proxy.close()
        home.kill()
        home.url = direct
        workload.check(env.reference)
        return f"{lost} answers lost"


def full_disk(env):
    """The disk is full again and again: a tmpfs that a file fills up, and frees."""
    if os.getuid():
        raise Skipped("mounting needs root")
    disk = env.root / "disk"
    disk.mkdir(exist_ok=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", disk],
                             capture_output=True, text=True)
    if mounted.returncode:
        raise Skipped(mounted.stderr.strip())
    moments, fills = random.Random(env.seed), 0
    try:
        with env.home(root=disk) as home:
            workload, filler = Workload(home), disk / "filler"

            def fill(over):
                nonlocal fills
                while not over.wait(0.3 * moments.random()):
                    with filler.open("wb", buffering=0) as file:
                        try:
                            while not over.is_set():
                                file.write(bytes(1 << 16))
                        except OSError:
                            fills += 1
                    over.wait(0.7 * moments.random())
                    filler.unlink()
                    if fills >= 12:
                        return

            workload.up()
            with beside(fill):
                workload.run()
            if workload.deaths:
                raise Failure(f"the server ended when the disk was full: {home.tail()}")
            workload.check(env.reference)
            return f"{fills} times full"
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def damaged_spool(env):
    """Uploads that wait are damaged, cut or deleted while the server is down: these fail, with the
    reason, and the others succeed."""
    with env.home() as home:
        # Nothing is claimed before the server is killed.
        workload = Workload(home, ["claim.before=error"])
        names = ["small-1.csv", "small-2.csv", "small-4.csv", "small-5.csv"]
        ids = {name: workload.upload(name) for name in names}
        home.kill()
        spool = home.folder / "data/spool"
        paths = {path.stat().st_size: path for path in spool.rglob("*.csv")}
        damaged = {}
        for name, damage in zip(names[:3], ("flip", "cut", "delete")):
            path = paths[len(FILES[name].text)]
            if damage == "delete":
                path.unlink()
                damaged[name] = "FILE_MISSING"
            else:
                data = bytearray(path.read_bytes())
                if damage == "flip":
                    data[len(data) // 2] ^= 4
                path.write_bytes(data if damage == "flip" else data[: len(data) // 2])
                damaged[name] = "FILE_DAMAGED"
        for name, ingestion in ids.items():
            workload.ended(ingestion, "FAILED" if name in damaged else "SUCCEEDED")
            if name in damaged and (code := workload.state(ingestion)["error"]["code"]) != damaged[name]:
                raise Failure(f"{name}: {code} instead of {damaged[name]}")
        workload.settled()
        if not workload.whole():
            raise Failure("no answer")
        return f"{len(damaged)} of {len(names)} files damaged"


def damaged_pages(env):
    """Bytes of the database file are overwritten: an answer is right, or an error, and `verify` does not
    call a wrong database sound."""
    made = random.Random(env.seed)
    with env.home() as home:
        workload = Workload(home)
        for name in FINAL[1:]:
            workload.ended(workload.upload(name))
        workload.import_zones("second")
        workload.settled()
        home.terminate()
        workload.up()
        right = answers(home)
        home.terminate()
        whole = home.database.file.read_bytes()
        counts = {"found by the answers": 0, "found by verify": 0, "harmless": 0}
        for _ in range(12 if env.short else 60):
            damaged = bytearray(whole)
            place = made.randrange(100, len(damaged) - 64)
            length = made.choice([1, 8, 64])
            damaged[place : place + length] = made.randbytes(length)
            home.database.file.write_bytes(damaged)
            for ending in ("-wal", "-shm"):
                home.database.file.with_name(home.database.file.name + ending).unlink(missing_ok=True)
            verified = home.run("verify")
            try:
                if home.start(must=False):
                    wrong = {name for name, value in answers(home).items() if right[name] != value}
                else:
                    wrong = None
            except Failure:
                wrong = None
            except Down:
                wrong = None
                if not home.alive() and home.server.returncode < 0:
                    raise Failure(f"the server crashed: {home.tail()}") from None
            home.kill()
            if wrong is None:
                counts["found by the answers"] += 1
            elif verified.returncode:
                counts["found by verify"] += 1
            elif wrong:
                raise Failure(f"{wrong} are wrong, and verify calls the database sound: byte {place}")
            else:
                counts["harmless"] += 1
        return ", ".join(f"{number} {what}" for what, number in counts.items())


def two_programs(env):
    """A second server on the same file, by other names of it, is refused; the first loses nothing."""
    with env.home() as home:
        workload = Workload(home)
        ids = [workload.upload(name) for name in ("small-4.csv", "small-5.csv")]
        data = home.folder / "data"
        os.symlink("tripgraph.db", data / "symbolic.db")
        os.link(data / "tripgraph.db", data / "hard.db")
        os.symlink("data", home.folder / "folder")
        names = [data / "symbolic.db", data / "hard.db", home.folder / "folder/tripgraph.db"]
        urls = [f"sqlite://{name}" for name in names] + ["sqlite://data/../data/tripgraph.db"]
        for url in urls:
            second = home.run("serve", "--listen", "127.0.0.1:0", "--database-url", url)
            if second.returncode != 1 or "another tripgraph uses the database" not in second.stderr:
                raise Failure(f"{url}: {second}")
        for ingestion in ids:
            workload.ended(ingestion)
        if not workload.whole():
            raise Failure("no answer")
        return f"{len(urls)} refused"


def no_descriptors(env):
    """The server may open no more files, again and again."""
    moments, lacks = random.Random(env.seed), 0
    with env.home() as home:
        workload = Workload(home)
        workload.up()

        def limit(over):
            nonlocal lacks
            while not over.wait(0.5 * moments.random()) and lacks < 15:
                if home.alive():
                    pid = home.server.pid
                    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
                    resource.prlimit(pid, resource.RLIMIT_NOFILE, (moments.choice([1, 40]), before[1]))
                    over.wait(0.5 * moments.random())
                    resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
                    lacks += 1

        with beside(limit):
            workload.run()
        if workload.deaths:
            raise Failure(f"the server ended for want of descriptors: {home.tail()}")
        workload.check(env.reference)
        return f"{lacks} times"


def bad_clients(env):
    """Clients that send a byte now and then, vanish in the middle of an upload, or do not read."""
    with env.home() as home:
        workload, bad = Workload(home), 0
        workload.up()

        def misbehave(seed, over):
            nonlocal bad
            made = random.Random(seed)
            while not over.is_set():
                try:
                    with socket.create_connection((home.host, home.port), timeout=5) as client:
                        way = made.randrange(3)
                        if way == 0:
                            client.sendall(b"POST /graphql HTTP/1.1\r\nhost: x\r\n")
                            for _ in range(10):
                                client.sendall(b"a")
                                if over.wait(0.05):
                                    break
                        elif way == 1:
                            client.sendall(half_upload(home, made))
                        else:
                            client.sendall(f"GET /export/trips.csv HTTP/1.1\r\nhost: {home.host}:"
                                           f"{home.port}\r\n\r\n".encode())
                            client.recv(1)
                            over.wait(0.3)
                        bad += 1
                except OSError:
                    over.wait(0.05)

        with beside(*(partial(misbehave, seed) for seed in range(12))):
            workload.run()
        if workload.deaths:
            raise Failure(f"the server ended: {home.tail()}")
        workload.check(env.reference)
        return f"{bad} bad clients"


def half_upload(home, made):
    operations = ('{"query":"mutation ($f: Upload!) { ingestTrips(file: $f) { duplicate } }",'
                  '"variables":{"f":null}}')
    parts = (f'--b\r\ncontent-disposition: form-data; name="operations"\r\n\r\n{operations}\r\n'
             '--b\r\ncontent-disposition: form-data; name="map"\r\n\r\n{"0":["variables.f"]}\r\n'
             '--b\r\ncontent-disposition: form-data; name="0"; filename="half.csv"\r\n\r\n'
             + FILES["small-1.csv"].text)
    head = (f"POST /graphql HTTP/1.1\r\nhost: {home.host}:{home.port}\r\ncontent-length: 1000000\r\n"
            "content-type: multipart/form-data; boundary=b\r\n\r\n")
    whole = (head + parts).encode()
    return whole[: made.randrange(len(head), len(whole))]


def many_subscribers(env):
    """1,000 subscribers follow an ingestion: each learns its final state."""
    number = 1_000
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(4096, resource.getrlimit(resource.RLIMIT_NOFILE)[0]),
                                                resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    with env.home() as home:
        workload = Workload(home, ["claim.before=pause@1"])
        workload.up()
        ingestion = workload.upload("large.csv")
        body = json.dumps({"query": "subscription ($id: ID!) { ingestionStatus(id: $id) { state } }",
                           "variables": {"id": ingestion}}).encode()
        head = (f"POST /graphql HTTP/1.1\r\nhost: {home.host}:{home.port}\r\naccept: text/event-stream\r\n"
                f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n").encode()
        waiting, received = selectors.DefaultSelector(), {}
        for _ in range(number):
            client = socket.create_connection((home.host, home.port), timeout=30)
            client.sendall(head + body)
            client.setblocking(False)
            waiting.register(client, selectors.EVENT_READ)
            received[client] = b""
        start = time.monotonic()
        while waiting.get_map() and time.monotonic() - start < 120:
            for key, _ in waiting.select(1):
                data = key.fileobj.recv(1 << 16)
                received[key.fileobj] += data
                if not data or b"event: complete" in received[key.fileobj]:
                    waiting.unregister(key.fileobj)
        told = sum(b'"SUCCEEDED"' in text for text in received.values())
        for client in received:
            client.close()
        if told != number:
            odd = next(text for text in received.values() if b'"SUCCEEDED"' not in text)
            raise Failure(f"{told} of {number} learn the end; another: {odd[-300:]}")
        workload.ended(ingestion)
        until("the connections are closed", lambda: descriptors(home) < 200)
        return f"{told} learn the end"


def descriptors(home):
    return len(os.listdir(f"/proc/{home.server.pid}/fd"))


def costly_beside_cheap(env):
    """Cheap questions beside a crowd of costly ones."""
    costly = """query ($x: Float!) { groupedTrips(resolution: 9, timeBucketMinutes: 30, first: 100,
        filter: { bbox: { west: $x, south: 40, east: 15.1, north: 60 }, daysOfWeek: [MONDAY],
        timeRanges: [{ from: "07:10", to: "09:20" }] }) {
        totalCount nodes { members(first: 5) { totalCount } } } }"""
    with env.home() as home:
        workload = Workload(home)
        workload.ended(workload.upload("large.csv"))
        asked, times = 0, []

        def ask(seed, over):
            nonlocal asked
            made = random.Random(seed)
            while not over.is_set():
                home.graphql(costly, x=made.uniform(-10, 5))
                asked += 1

        with beside(*(partial(ask, seed) for seed in range(24))):
            for _ in range(60):
                start = time.monotonic()
                home.ask("{ weeklyAverage { totalTrips } ingestions { totalCount } }")
                times.append(time.monotonic() - start)
                time.sleep(0.05)
        times.sort()
        if times[-4] > 5:
            raise Failure(f"a cheap question takes {times[-4]:.1f} s beside costly ones")
        return f"cheap: median {times[30] * 1000:.0f} ms, worst {times[-1] * 1000:.0f} ms; {asked} costly"


def backup(env):
    """Backups that are made while everything goes on, restored into databases of their own: each is the
    whole of one moment."""
    taken = []
    with env.home() as home:
        workload = Workload(home)

        def take(over):
            while not over.wait(0.4) and len(taken) < 4:
                file = env.root / f"{home.folder.name}-{len(taken)}"
                try:
                    if home.database.kind == "sqlite":
                        source, target = sqlite3.connect(home.database.file), sqlite3.connect(file)
                        source.backup(target)
                        source.close()
                        target.close()
                    else:
                        url = home.database.url.partition("?")[0]
                        file.write_bytes(env.postgres.call("pg_dump", "-Fc", url, text=False))
                    taken.append(file)
                except Exception as error:
                    taken.append(error)
                    return

        workload.up()
        with beside(take):
            workload.run()
        spool = home.folder / "data/spool"
        for file in taken:
            if isinstance(file, Exception):
                raise Failure("no backup") from file
            with env.home() as restored:
                (restored.folder / "data").mkdir()
                if restored.database.kind == "sqlite":
                    shutil.move(file, restored.database.file)
                else:
                    os.chmod(file, 0o644)
                    url = restored.database.url.partition("?")[0]
                    env.postgres.call("pg_restore", "--no-owner", "-d", url, file)
                verified = restored.run("verify")
                if verified.returncode:
                    raise Failure(f"verify: {verified.stdout}{verified.stderr}")
                # Its uploads are not in the backup: those that waited fail, and say so.
                shutil.copytree(spool, restored.folder / "data/spool")
                again = Workload(restored)
                again.up()
                again.settled()
                if not again.whole():
                    raise Failure("no answer")
                for node in again.ask(STATES)["ingestions"]["nodes"]:
                    if node["state"] == "FAILED" and node["error"]["code"] not in ("FILE_MISSING", "NO_ROWS"):
                        raise Failure(f"after a restore: {node}")
        return f"{len(taken)} restored"


def clock_set(env):
    """The clock is set back and forth, by seconds and by days."""
    library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
    if not library:
        raise Skipped("libfaketime is not installed (on Debian: apt-get install faketime)")
    moments, sets = random.Random(env.seed), 0
    with env.home() as home:
        workload, clock = Workload(home), home.folder / "clock"

        def put(offset):
            # At once: the server never reads half of it.
            new = clock.with_suffix(".new")
            new.write_text(offset)
            new.rename(clock)

        def change(over):
            nonlocal sets
            while not over.wait(0.5 * moments.random()):
                put(moments.choice(["-400d", "-2d", "-1h", "-3s", "+0", "+3s", "+1h", "+2d", "+400d"]))
                sets += 1

        put("+0")
        settings = {"LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": clock, "FAKETIME_NO_CACHE": 1,
                    "FAKETIME_DONT_FAKE_MONOTONIC": 1}
        home.wrapper = ["env", *(f"{name}={value}" for name, value in settings.items())]
        workload.up()
        with beside(change):
            workload.run()
        if workload.deaths:
            raise Failure(f"the server ended when the clock was set: {home.tail()}")
        days = set(re.findall(r"^\d{4}-\d\d-\d\d", home.log.read_text(), re.MULTILINE))
        if len(days) < 3:
            raise Failure(f"the server's clock was not set: {days}")
        workload.check(env.reference)
        return f"{sets} times set"


BOTH = [
    ("backup and restore", backup),
    ("clock set", clock_set),
    ("no descriptors", no_descriptors),
    ("bad clients", bad_clients),
    ("1,000 subscribers", many_subscribers),
    ("costly beside cheap", costly_beside_cheap),
    ("damaged spool", damaged_spool),
]
ALL = {
    "sqlite": [("full disk", full_disk), ("damaged pages", damaged_pages), ("two programs", two_programs),
               *BOTH],
    "postgres": [("database stopped", database_stopped), ("answers to commits lost", answers_lost), *BOTH],
}
SHORT = {"full disk", "two programs", "database stopped", "answers to commits lost", "damaged spool"}
