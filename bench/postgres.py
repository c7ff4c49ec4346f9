"""A PostgreSQL server to measure on: one made for the run and removed after it, or a given one.

Everything said to it goes through `psql`, which is there where the server is.
"""

import os
import pwd
import shutil
import socket
import subprocess
import time
import urllib.parse
from pathlib import Path

from machine import BenchError

# As somebody would run it who does not want to lose anything.
SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "wal_compression": "lz4",
    "shared_buffers": "2GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "15min",
    "autovacuum": "on",
}
# What else a result depends on is shown too, as it is.
SHOWN = [*SETTINGS, "wal_level", "work_mem", "max_parallel_workers_per_gather", "jit"]
DEBIAN = Path("/usr/lib/postgresql")
PATIENCE = 60
# Ends the server when its standard input ends, which is when the run does, however that comes.
WATCHER = '"$@" & server=$!; cat >/dev/null; kill -INT $server; wait $server; rm -rf "$0"/*'


class Server:
    """A server that is there already, as a context: drops what the run made in it."""

    def __init__(self, url):
        self.url = url
        self.psql = programs() / "psql"
        self.made = set()

    def __enter__(self):
        self.ask(self.url, "SELECT 1")
        return self

    def __exit__(self, *_):
        for name in self.made:
            self.drop(name)

    def create(self, name):
        """An empty database, in place of one of the same name: its address."""
        name = f"tripgraph_bench_{name}"
        self.drop(name)
        self.ask(self.url, f"CREATE DATABASE {name}")
        self.made.add(name)
        return urllib.parse.urlsplit(self.url)._replace(path=f"/{name}").geturl()

    def drop(self, name):
        self.ask(self.url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def command(self, url, *texts):
        """The command that has statements, or psql's own commands, run one after the other."""
        options = ["--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1"]
        return [self.psql, *options, url, *(f"--command={text}" for text in texts)]

    def ask(self, url, *texts):
        """The lines of the answers."""
        # In English, whatever the user speaks.
        environment = {**os.environ, "LC_ALL": "C"}
        command = self.command(url, *texts)
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        if done.returncode != 0:
            raise BenchError(f"psql failed:\n{done.stderr}")
        return done.stdout.splitlines()

    def timed(self, url, sql, times):
        """The rows of a statement, and the milliseconds of each of many times, in one session."""
        lines = self.ask(url, r"\timing on", *[sql] * times)
        took = [float(line.split()[1]) for line in lines if line.startswith("Time: ")]
        rows = [line.split("|") for line in lines if not line.startswith("Time: ")]
        return rows[: len(rows) // times], took

    def size(self, url):
        """The bytes of a database on disk."""
        return int(self.ask(url, "SELECT pg_database_size(current_database())")[0])

    def log_position(self):
        """The bytes that were ever written to the write-ahead log."""
        return int(self.ask(self.url, "SELECT pg_current_wal_lsn() - '0/0'::pg_lsn")[0])

    def checkpoint(self):
        """Runs a checkpoint, so that pending writes do not slow down what follows."""
        self.ask(self.url, "CHECKPOINT")

    def facts(self):
        """Pairs of name and value for the head of the results."""
        version = self.ask(self.url, "SHOW server_version")[0]
        values = [f"{name}={self.ask(self.url, f'SHOW {name}')[0]}" for name in SHOWN]
        return [("PostgreSQL", version), ("settings", ", ".join(values))]


class Throwaway(Server):
    """A server with a cluster of its own in a folder, as a context."""

    def __init__(self, folder):
        self.folder = folder
        self.log = folder / "log"
        self.port = free_port()
        super().__init__(f"postgres://postgres@127.0.0.1:{self.port}/postgres")

    def __enter__(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        # initdb and the server refuse root.
        self.user = {}
        if os.geteuid() == 0:
            account = pwd.getpwnam("postgres")
            self.user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
            os.chown(self.folder, account.pw_uid, account.pw_gid)
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def start(self):
        folder, data = programs(), self.folder / "data"
        options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C"]
        made = self.run([folder / "initdb", *options, "--pgdata", data])
        if made.returncode != 0:
            raise BenchError(f"initdb failed:\n{made.stderr}")
        # From version 15 on, and where it was built in.
        asked = ["-D", data, "-c", "wal_compression=lz4", "-C", "wal_compression"]
        lz4 = self.run([folder / "postgres", *asked]).returncode == 0
        settings = {
            **SETTINGS,
            "wal_compression": "lz4" if lz4 else "on",
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
        }
        command = [folder / "postgres", "-D", data]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                ["/bin/sh", "-c", WATCHER, self.folder, *command],
                cwd=self.folder,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                # An interrupt from the keyboard is for the run, which then ends the server.
                start_new_session=True,
                **self.user,
            )
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return self.ask(self.url, "SELECT 1")
            except BenchError as error:
                if time.monotonic() > deadline:
                    raise BenchError(f"{error}\n{self.log.read_text()}") from None
            time.sleep(0.1)

    def run(self, command):
        """Runs a command as the user that the server runs as."""
        options = {"cwd": self.folder, "capture_output": True, "text": True}
        return subprocess.run(command, **options, **self.user)

    def __exit__(self, *_):
        if process := getattr(self, "process", None):
            process.stdin.close()
            process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def programs():
    """The folder of PostgreSQL's programs: Debian's newest, which it keeps off the path, or the
    path's."""
    installed = [folder for folder in DEBIAN.glob("*/bin") if (folder / "initdb").exists()]
    if installed:
        return max(installed, key=lambda folder: float(folder.parent.name))
    found = shutil.which("initdb") or shutil.which("psql")
    if not found:
        raise BenchError("PostgreSQL is not installed (on Debian: apt-get install postgresql)")
    return Path(found).resolve().parent


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
