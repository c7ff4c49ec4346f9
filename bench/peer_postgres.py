"""PostgreSQL by itself, as a peer: typed columns and an index on the origin; see `peer.py`."""

import contextlib
import subprocess

import homemade
import postgres
from answering import timed


class Database:
    """A server made for the run, with a database of trips."""

    cold, slow, groups = False, True, False

    def __init__(self, kind, _python, folder):
        self.title = kind.title
        self.folder = folder / "cluster"
        self.server = None

    def load(self, file):
        if not self.server:
            self.server = postgres.Throwaway(self.folder).__enter__()
        self.url = self.server.create("peer")
        empty = self.server.size(self.url)
        self.server.checkpoint()
        _, seconds = timed(homemade.typed, self.server, self.url, file)
        size = self.server.size(self.url) - empty
        # As autovacuum does sooner or later; not in the middle of a question.
        self.server.ask(self.url, "VACUUM ANALYZE")
        return seconds, None, size

    def running(self):
        return contextlib.nullcontext(self)

    def weeks(self, box, trip_end):
        weeks, took = homemade.weeks(self.server, self.url, box, trip_end, 1)
        return weeks, took[0]

    def remove(self):
        if self.server:
            self.server.__exit__()
            self.server = None


def version():
    """The version of the server's program."""
    program = postgres.programs() / "postgres"
    return subprocess.check_output([program, "--version"], text=True).split(maxsplit=2)[2].strip()
