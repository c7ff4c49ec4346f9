"""One size: each program in turn ingests the file and answers questions."""

import shutil

import busy
import machine
import peer_postgres
import rush
import tripgraph
from areas import AREAS, MANY
from machine import BenchError
from report import say
from sizes import HOT, RESOLUTIONS

SEED = 1
# Milliseconds from which on groups are asked for only twice.
LONG = 10_000
# The question that many clients ask at once.
OFTEN = ("1.6 km²", "ORIGIN")


class Wrong(BenchError):
    """A peer's answer differs from tripgraph's: one of them is wrong."""


class Measurement:
    """What is measured of a size, in a folder; `record` fills while it goes on."""

    def __init__(self, size, folder, binary, save):
        self.size = size
        self.folder = folder
        self.binary = binary
        self.save = save
        self.file = folder / "trips.csv"
        self.answers = {}
        self.record = {
            "name": size.name, "rows": size.rows, "shape": size.shape, "programs": {}, "notes": []
        }  # fmt: skip

    def run(self, kinds, python, more):
        """Measures tripgraph, and then the peers."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        try:
            self.say("generating")
            tripgraph.generate(self.binary, self.size.rows, SEED, self.file, self.size.shape)
            self.record["csv_bytes"] = self.file.stat().st_size
            self.tripgraph(tripgraph.Program(self.binary, self.folder), more)
            for program in self.loading(kinds):
                self.program(program)
            for kind in kinds:
                try:
                    self.program(kind.make(kind, python, self.folder))
                except Wrong:
                    raise
                except BenchError as error:
                    self.record["notes"].append(str(error))
                    self.say(f"continuing without {kind.title}: {error}")
        finally:
            shutil.rmtree(self.folder)

    def loading(self, kinds):
        """tripgraph as it ingests otherwise, without being asked."""
        if not self.size.often(slow=False):
            return
        yield tripgraph.WithSqlRows(self.binary, self.folder)
        if any(kind.make is peer_postgres.Copy for kind in kinds):
            for sql_trips in ("off", "background"):
                yield peer_postgres.OnPostgres(self.binary, self.folder, sql_trips)

    def tripgraph(self, program, more):
        try:
            self.loads_and_answers(program)
            if self.size.shape == "cities":
                self.serves(program, more)
        finally:
            program.remove()
        self.save()

    def program(self, program):
        try:
            self.loads_and_answers(program)
        finally:
            program.remove()
        self.save()

    def loads_and_answers(self, program):
        record = self.record["programs"][program.title] = {"ingests": [], "answers": []}
        for _ in range(self.size.ingests(program.slow)):
            self.say(f"ingesting with {program.title}")
            # The same start for all: the file is on disk, and not in memory.
            machine.forget()
            machine.evict(self.file)
            seconds, memory, size = program.load(self.file)
            record["ingests"].append({"seconds": seconds, "memory": memory, "bytes": size})
        if not program.asked:
            return
        if settle := getattr(program, "settle", None):
            self.say(f"merging with {program.title}")
            seconds, memory = settle()
            record["settled"] = {"seconds": seconds, "memory": memory}
        for area, box, trip_end in self.size.questions(program.slow):
            self.say(f"{area} by {trip_end} of {program.title}")
            weeks, first, warm = self.asked(program, area, box, trip_end)
            self.compare(program, area, trip_end, weeks)
            record["answers"].append(
                {
                    "area": area, "trip_end": trip_end, "trips": sum(weeks.values()),
                    "first": first, "warm": warm,
                }
            )  # fmt: skip
        for resolution in RESOLUTIONS if program.groups else ():
            self.say(f"groups of resolution {resolution} of {program.title}")
            machine.forget()
            with program.running() as running:
                first = running.grouped(resolution)
                times = 1 if first > LONG else self.size.warm(program.slow)
                warm = [running.grouped(resolution) for _ in range(times)]
            groups = record.setdefault("groups", {})
            groups[str(resolution)] = {"first": [first], "warm": warm}

    def asked(self, program, area, box, trip_end):
        """The answer, the milliseconds after cold starts, and those of the last start after them."""
        starts = self.size.starts(area, trip_end) if program.cold else 1
        first, again = [], []
        for start in range(1, starts + 1):
            if program.cold:
                machine.forget()
            with program.running() as running:
                first.append(running.weeks(box, trip_end))
                if start == starts:
                    times = range(self.size.warm(program.slow))
                    again = [running.weeks(box, trip_end) for _ in times]
        weeks = first[0][0]
        if any(found != weeks for found, _ in first + again):
            raise Wrong(f"{area} by {trip_end}: {program.title} answers otherwise when asked again")
        # Of a program that can't be started anew the first answer is neither cold nor warm.
        cold = [milliseconds for _, milliseconds in first] if program.cold else []
        return weeks, cold, [milliseconds for _, milliseconds in again]

    def compare(self, program, area, trip_end, weeks):
        """Fails if the answer differs from that of the first program."""
        if self.answers.setdefault((area, trip_end), weeks) != weeks:
            raise Wrong(
                f"{self.size.name}, {area} by {trip_end}: tripgraph and {program.title} differ"
            )

    def serves(self, program, more):
        """What only a server does: empty queries, many clients at once, ingesting during queries."""
        file = self.folder / "more.csv"
        tripgraph.generate(self.binary, more, SEED + 1, file)
        with program.running(kept=True) as server:
            self.say("many clients at once, with the cache")
            # An answer is cached as soon as it has been given once.
            server.weeks(AREAS[OFTEN[0]], OFTEN[1])
            self.record["rush_kept"] = rush.rush([server.link(AREAS[OFTEN[0]], OFTEN[1])])
        with program.running() as server:
            self.say("empty queries, for the share of HTTP")
            self.record["nothing"] = [server.ask(tripgraph.NOTHING)[1] for _ in range(100)]
            box = AREAS[OFTEN[0]]
            self.record["often"] = [server.weeks(box, OFTEN[1])[1] for _ in range(100)]
            self.say("many clients at once")
            self.record["rush"] = rush.rush([server.link(box, OFTEN[1])])
            links = [server.link(box, OFTEN[1]) for box in MANY]
            self.record["rush_many"] = rush.rush(links)
            self.say("answers while ingesting")
            box, trip_end = AREAS[HOT[0]], HOT[1]
            idle, working, uploads = busy.busy(server, file, box, trip_end)
            tripgraph.generate(self.binary, busy.MERGED_ROWS, SEED + 1, file)
            self.say("answers while merging")
            merging = busy.while_merging(server, file, box, trip_end)
        self.record |= {"idle": idle, "busy": working, "uploads": uploads, "more": more}
        self.record["merging"] = merging
        file.unlink()

    def say(self, text):
        say(f"{self.size.name} {self.size.shape}: {text}")
