"""PostgreSQL as a peer, by itself and below tripgraph; see `peer.py`."""

import contextlib
import shutil
import subprocess

import homemade
import machine
import postgres
import tripgraph
from answering import timed
from results import ON_POSTGRES, ON_POSTGRES_WITH_SQL_ROWS


class Database:
    """Trips in a database of a server, which is made for the run where none is given."""

    cold, slow, groups, asked = False, False, False, False

    def __init__(self, title, folder, server=None):
        self.title = title
        self.folder = folder
        self.server = server
        self.given = server is not None

    def load(self, file):
        if not self.server:
            self.server = postgres.Throwaway(self.folder / "cluster").__enter__()
        self.url = self.server.create("peer")
        empty = self.empty()
        self.server.checkpoint()
        seconds, memory = self.fill(file)
        return seconds, memory, self.server.size(self.url) - empty

    def empty(self):
        """The bytes of the database before it has trips."""
        return self.server.size(self.url)

    def remove(self):
        if self.server and not self.given:
            self.server.__exit__()
            self.server = None


class Typed(Database):
    """Typed columns and an index on the origin."""

    slow, asked = True, True

    def __init__(self, kind, _python, folder):
        super().__init__(kind.title, folder)

    def fill(self, file):
        _, seconds = timed(homemade.typed, self.server, self.url, file)
        return seconds, None

    def running(self):
        # As autovacuum does sooner or later; not in the middle of a question.
        self.server.ask(self.url, "VACUUM ANALYZE")
        return contextlib.nullcontext(self)

    def weeks(self, box, trip_end):
        weeks, took = homemade.weeks(self.server, self.url, box, trip_end, 1)
        return weeks, took[0]


class Copy(Database):
    """The file's own columns as text, without an index: the least work that loading requires."""

    def __init__(self, kind, _python, folder, server=None):
        super().__init__(kind.title, folder, server)

    def fill(self, file):
        homemade.texts(self.server, self.url)
        return machine.run(homemade.copy(self.server, self.url, file))[0], None


class OnPostgres(Database):
    """tripgraph on PostgreSQL."""

    def __init__(self, binary, folder, sql_trips="off", server=None):
        title = ON_POSTGRES if sql_trips == "off" else ON_POSTGRES_WITH_SQL_ROWS
        super().__init__(title, folder, server)
        self.binary = binary
        self.data = folder / "data"
        self.sql_trips = sql_trips

    def empty(self):
        # With the tables that tripgraph makes at its first start; the next one is into a new database.
        with tripgraph.Server(self.binary, self.data, self.url):
            size = self.server.size(self.url)
        self.url = self.server.create("peer")
        return size

    def fill(self, file):
        shutil.rmtree(self.data, ignore_errors=True)
        options = ["--database-url", self.url, "--data-dir", self.data]
        command = [self.binary, "ingest", file, *options, "--sql-trips", self.sql_trips]
        return machine.run(command)

    def remove(self):
        super().remove()
        shutil.rmtree(self.data, ignore_errors=True)


def version():
    """The version of the server's program."""
    program = postgres.programs() / "postgres"
    return subprocess.check_output([program, "--version"], text=True).split(maxsplit=2)[2].strip()
