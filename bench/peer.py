"""Peers: other programs that answer the same questions about the same file.

Most are programs of their own, `peer_*.py`, driven over their standard input and output, one JSON
request and one JSON answer a line: so that their memory is their own, and that a fresh one can be
had. To the run each is an object like `tripgraph.Program`:

- `title`; `cold`: whether it can be started anew on trips that lie on disk; `slow`: whether it is
  asked only what matters most; `groups`: whether it can be asked for groups of similar trips;
  `asked`: whether it is asked anything;
- `load(file)`: makes its trips anew of a file: seconds, peak memory in bytes, bytes on disk, `None`
  where there is no such figure;
- `settle()`, where it does something in the background after that: does it at once, and tells the
  seconds and the peak memory;
- `running()`: a context, what answers: `weeks(box, trip_end)`, the trips of each week that has any
  and the milliseconds; `grouped(resolution)`, the milliseconds for the largest groups of cells;
- `remove()`: deletes its trips.
"""

import contextlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import peer_postgres
from machine import BenchError, evict
from results import COPY
from sizes import SMALL

HERE = Path(__file__).resolve().parent
# More trips than a peer without help of columns or statistics is given.
FEW = 3_000_000


class Process:
    """A peer's program, as a context."""

    def __init__(self, title, command):
        self.title = title
        self.command = command

    def __enter__(self):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self.process = subprocess.Popen(self.command, **pipes, text=True)
        return self

    def __exit__(self, kind, *_):
        if kind:
            self.process.kill()
        # Closes its standard input, which ends it.
        self.process.communicate()

    def kill(self):
        self.process.kill()
        self.process.communicate()

    def ask(self, call, *values):
        """Sends a request and waits for its answer."""
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps([call, *values]) + "\n")
            self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            lines = self.process.stderr.read().splitlines()
            reason = lines[-1] if lines else f"it was ended, with code {self.process.wait()}"
            raise BenchError(f"{self.title}: {reason}")
        return json.loads(answer)

    def load(self, file):
        return self.ask("load", str(file))

    def weeks(self, box, trip_end):
        return self.ask("weeks", box, trip_end)

    def grouped(self, resolution):
        return self.ask("grouped", resolution)

    def settle(self):
        return self.ask("settle")


class OnDisk:
    """A peer whose trips are on disk, in a file or in a folder."""

    cold, asked = True, True

    def __init__(self, kind, python, folder):
        self.title, self.slow, self.groups = kind.title, kind.rows is not None, kind.groups
        self.database = folder / "peer.db"
        self.command = [python, HERE / kind.program, self.database, *kind.options]

    def load(self, file):
        self.remove()
        with self.running() as process:
            seconds, memory = process.load(file)
        return seconds, memory, sum(file.stat().st_size for file in self.files())

    def files(self):
        """All files of the database."""
        if self.database.is_file():
            return [self.database]
        return [file for file in self.database.rglob("*") if file.is_file()]

    def running(self):
        evict(*self.files())
        return Process(self.title, self.command)

    def remove(self):
        if self.database.is_file():
            self.database.unlink()
        shutil.rmtree(self.database, ignore_errors=True)
        shutil.rmtree(f"{self.database}.tmp", ignore_errors=True)


class Merging(OnDisk):
    """One that merges what it has written, in the background."""

    def settle(self):
        with self.running() as process:
            return process.settle()


class InMemory:
    """A peer whose trips are in the memory of its program."""

    cold, asked = False, True

    def __init__(self, kind, python, _folder):
        self.title, self.slow, self.groups = kind.title, kind.rows is not None, kind.groups
        self.command = [python, HERE / kind.program, *kind.options]
        self.process = None

    def load(self, file):
        self.remove()
        self.process = Process(self.title, self.command).__enter__()
        seconds, memory = self.process.load(file)
        return seconds, memory, None

    def running(self):
        return contextlib.nullcontext(self.process)

    def remove(self):
        if self.process:
            self.process.kill()
            self.process = None


class Kind(NamedTuple):
    """A peer before it has a folder."""

    title: str
    make: type
    program: str = ""
    options: tuple = ()
    package: str | None = None
    rows: int | None = None
    groups: bool = False


KINDS = {
    "duckdb": Kind("DuckDB", OnDisk, "peer_duckdb.py", package="duckdb", groups=True),
    "duckdb-sorted": Kind(
        "DuckDB, sorted", OnDisk, "peer_duckdb.py", ("sorted",), package="duckdb", groups=True
    ),
    "clickhouse": Kind(
        "ClickHouse", Merging, "peer_clickhouse.py", package="chdb", groups=True
    ),
    "sqlite3": Kind("SQLite", OnDisk, "peer_sqlite3.py", rows=FEW),
    "pandas": Kind("pandas", InMemory, "peer_pandas.py", package="pandas", rows=FEW),
    "postgres": Kind("PostgreSQL", peer_postgres.Typed, rows=FEW),
    "copy": Kind(COPY, peer_postgres.Copy, rows=SMALL),
}


def names(text):
    """The names of peers, separated by commas."""
    chosen = [name for name in text.split(",") if name]
    if unknown := [name for name in chosen if name not in KINDS]:
        raise BenchError(f"unknown peer: {unknown[0]}; known are {', '.join(KINDS)}")
    return chosen


def find(chosen, packages):
    """The kinds of peers that can be had; and for the head of the results, the version of each, or
    why it is missing.
    """
    kinds, facts = [], []
    for name in chosen:
        kind = KINDS[name]
        try:
            facts.append((kind.title, version(kind, packages)))
            kinds.append(kind)
        except BenchError as error:
            facts.append((kind.title, f"left out: {error}"))
    return kinds, facts


def version(kind, packages):
    if kind.package:
        return f"{kind.package} {packages.version(kind.package)}"
    if kind.program:
        return subprocess.check_output(
            [packages.python, "-c", "import sqlite3; print(sqlite3.sqlite_version)"], text=True
        ).strip()
    return peer_postgres.version()
