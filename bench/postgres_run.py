#!/usr/bin/env python3
"""Measures tripgraph on PostgreSQL, compared with PostgreSQL alone. See README.md."""

import argparse
import shutil
import statistics
import sys
from pathlib import Path

import homemade
import machine
import peer
import postgres
import tripgraph
from areas import AREAS
from machine import BenchError
from peer_postgres import Copy, OnPostgres
from report import facts, say, shown, table, trips

ROOT = Path(__file__).resolve().parent.parent
SEED = 1
# Generously, of the file and all that is made of it at the same time.
BYTES_A_TRIP = 1_000
WAL_BYTES = 10_000_000_000
INGESTS = [
    "program", "s", "rows/s", "rows/s ÷ \\copy's", "bytes per trip", "bytes per trip of the log", "runs",
]  # fmt: skip
QUESTIONS = [*((area, "ORIGIN") for area in AREAS), ("47 km²", "EITHER")]


def main():
    options = parse()
    work = options.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    machine.require_alone(work)
    folder = work / "postgres"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    machine.require_free(work, 2 * options.postgres_rows * BYTES_A_TRIP + WAL_BYTES)
    binary = options.binary or tripgraph.build(ROOT)
    try:
        if options.postgres_url:
            server = postgres.Server(options.postgres_url)
        else:
            server = postgres.Throwaway(folder / "cluster")
        with server:
            results = Run(server, binary, folder, options).results()
    finally:
        shutil.rmtree(folder)
    (work / "postgres.md").write_text(results + "\n")
    print(results)


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--postgres-url", help="an existing server to create databases in, instead of a new one"
    )
    parser.add_argument(
        "--postgres-rows", type=trips, default=trips("10M"), help="trips to ingest and to query [10M]"
    )
    parser.add_argument("--work", type=Path, default=ROOT / "bench" / "work")
    parser.add_argument("--binary", type=Path, help="a binary to measure instead of building one")
    parser.add_argument("--ingests", type=int, default=3, help="ingestions by each program [3]")
    parser.add_argument("--warm", type=int, default=9, help="warm answers per question [9]")
    return parser.parse_args()


class Run:
    """A run on a server, with its files in a folder."""

    def __init__(self, server, binary, folder, options):
        self.server = server
        self.binary = binary
        self.folder = folder
        self.data = folder / "data"
        self.options = options

    def results(self):
        """The whole run: its Markdown."""
        options, head = self.options, machine.describe(ROOT, self.folder)
        head += self.server.facts()
        loads = [machine.load()]
        ingests = self.ingests()
        loads.append(machine.load())
        base = self.base()
        questions = self.questions(*base)
        loads.append(machine.load())
        head.append(("load before, and after each part", ", ".join(loads)))
        return "\n\n".join(
            [
                facts(head),
                f"Ingestion of {options.postgres_rows:,} trips, seconds of the whole command, "
                f"alternating, median of {options.ingests}:",
                table(INGESTS, ingests),
                f"weeklyAverage with its series of weeks, {options.postgres_rows:,} trips, "
                f"milliseconds, warm, median of {options.warm}:",
                table(
                    ["area", "trip end", "trips found", "tripgraph", "SQL", "SQL ÷ tripgraph"],
                    questions,
                ),
                "```text\n" + "\n".join(self.commands()) + "\n```",
            ]
        )

    def generate(self, rows, seed):
        """A file of trips."""
        say(f"generating {rows:,} trips")
        file = self.folder / f"{rows}-{seed}.csv"
        options = ["--rows", str(rows), "--seed", str(seed), "--output", file]
        machine.run([self.binary, "generate", *options])
        return file

    def ingest(self, url, file):
        """Ingests a file: the seconds of the whole command."""
        shutil.rmtree(self.data, ignore_errors=True)
        options = ["--database-url", url, "--data-dir", self.data, "--sql-trips", "off"]
        command = [self.binary, "ingest", file, *options]
        self.server.checkpoint()
        return machine.run(command)[0]

    def ingests(self):
        """The programs in turns; the rows of a table."""
        rows, server = self.options.postgres_rows, self.server
        file = self.generate(rows, SEED)
        ours = (
            OnPostgres(self.binary, self.folder, sql_trips, server)
            for sql_trips in ("off", "background")
        )
        programs = [Copy(peer.KINDS["copy"], None, self.folder, server), *ours]
        runs = {program.title: [] for program in programs}
        for turn in range(1, self.options.ingests + 1):
            for program in programs:
                say(f"ingesting with {program.title}, turn {turn}")
                before = server.log_position()
                seconds, _, size = program.load(file)
                runs[program.title].append((seconds, size, server.log_position() - before))
        file.unlink()

        lines, base = [], statistics.median(seconds for seconds, *_ in runs[programs[0].title])
        for title, each in runs.items():
            seconds, size, log = (statistics.median(values) for values in zip(*each))
            times = ", ".join(f"{seconds:.2f}" for seconds, *_ in each)
            line = [f"{seconds:.2f}", f"{rows / seconds:,.0f}", f"{base / seconds:.2f}"]
            lines.append([title, *line, f"{size / rows:.0f}", f"{log / rows:.0f}", times])
        return lines

    def serve(self, url):
        return tripgraph.Server(self.binary, self.data, url)

    def base(self):
        """The same trips in a database of the program and in a conventional table: addresses."""
        file = self.generate(self.options.postgres_rows, SEED)
        say("ingesting the trips to query")
        ours, theirs = self.server.create("base"), self.server.create("typed")
        self.ingest(ours, file)
        say("creating the conventional table")
        homemade.typed(self.server, theirs, file)
        file.unlink()
        for url in (ours, theirs):
            # As autovacuum does sooner or later; not in the middle of a question.
            self.server.ask(url, "VACUUM ANALYZE")
        self.server.checkpoint()
        return ours, theirs

    def questions(self, ours, theirs):
        """The same questions to both; the rows of a table."""
        lines, times = [], self.options.warm + 1
        with self.serve(ours) as program:
            for area, trip_end in QUESTIONS:
                say(f"{area} by {trip_end}")
                answers = [program.weeks(AREAS[area], trip_end) for _ in range(times)]
                weeks, took = answers[0][0], [milliseconds for _, milliseconds in answers]
                found, peers = homemade.weeks(self.server, theirs, AREAS[area], trip_end, times)
                if weeks != found:
                    raise BenchError(f"{area} by {trip_end}: tripgraph and SQL differ")
                # The first of each is not warm.
                took, peers = statistics.median(took[1:]), statistics.median(peers[1:])
                line = [area, trip_end, f"{sum(weeks.values()):,}", shown(took), shown(peers)]
                lines.append([*line, f"{peers / took:.1f}"])
        return lines

    def commands(self):
        """What was run, for people who want to run it by hand."""
        box, end = AREAS[QUESTIONS[0][0]], QUESTIONS[0][1]
        return [
            f"tripgraph generate --rows {self.options.postgres_rows} --seed {SEED} --output FILE",
            homemade.TEXTS.format(kind="TABLE"),
            homemade.COPY.format(file="FILE"),
            "tripgraph ingest FILE --database-url URL --data-dir DIR",
            homemade.TYPED.strip(),
            homemade.INDEX,
            homemade.WEEKS.format(condition=homemade.condition(box, end)).strip(),
        ]


if __name__ == "__main__":
    try:
        main()
    except BenchError as error:
        sys.exit(f"error: {error}")
