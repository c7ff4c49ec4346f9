#!/usr/bin/env python3
"""Measures tripgraph and other programs on generated trips. See README.md."""

import argparse
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import criterion
import machine
import many_files
import peer
import publish
import rush
import tables
import tripgraph
from machine import BenchError
from measure import Measurement
from packages import Packages
from report import say, trips
from results import Results
from sizes import Size, sizes

ROOT = Path(__file__).resolve().parent.parent
# Generously: a trip in the file and in tripgraph's database, beside which nothing else is on disk.
BYTES_A_TRIP = 127 + 233
# A trip that is sent to a server: in its file, and as often as it is sent in the spool and in the
# database.
BYTES_A_SENT_TRIP = 127 * 2 + 233 * 5
# A trip in PostgreSQL: its text, its columns, the index and the log of writing them.
POSTGRES_BYTES_A_TRIP = 900


def main():
    options = parse()
    started = time.monotonic()
    work = options.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    machine.require_alone(work)
    machine.require_free(work, wanted(options))
    if options.publish:
        publish.check(options.publish)
    binary = options.binary or tripgraph.build(ROOT)
    if not binary.exists():
        raise BenchError(f"{binary} does not exist; without --binary it is built")
    packages = Packages(work)
    kinds, versions = peer.find(options.peers, packages)
    results = Results(work / "results.json", head(work, binary, versions))
    state = "interrupted"
    try:
        measure(options, work, binary, kinds, packages.python, results)
        state = "complete"
    except BenchError as error:
        state = f"failed: {error}"
        raise
    finally:
        results.head += [
            ("load after each size", loads(results)),
            ("minutes", f"{(time.monotonic() - started) / 60:.1f}"),
            ("run", state),
        ]
        results.save()
        text = tables.markdown(results, draw(packages, results, work), criterion.in_process(ROOT))
        (work / "results.md").write_text(text + "\n")
        say(f"{state}; {work / 'results.md'} has the tables")
    print(text)
    if options.publish:
        publish.publish(options.publish, results.file, work / "images")


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=sizes, default=sizes("1M,10M"), help="trips [1M,10M]")
    parser.add_argument(
        "--peers",
        type=peer.names,
        default=list(peer.KINDS),
        metavar="NAMES",
        help=f"programs to compare with, of {','.join(peer.KINDS)} [all that are available]",
    )
    parser.add_argument(
        "--world",
        type=trips,
        help="trips scattered over the world, 0 for none [10M, or the largest size if that is less]",
    )
    parser.add_argument(
        "--more", type=trips, default=trips("3M"), help="trips to upload during queries [3M]"
    )
    parser.add_argument("--work", type=Path, default=ROOT / "bench" / "work")
    parser.add_argument("--binary", type=Path, help="a binary to measure instead of building one")
    parser.add_argument(
        "--publish",
        type=Path,
        nargs="?",
        const=ROOT / "docs",
        metavar="DOCS",
        help="put the results into reference/measurements.md of this folder [docs]",
    )
    options = parser.parse_args()
    if options.world is None:
        options.world = min(trips("10M"), options.sizes[-1].rows)
    return options


def wanted(options):
    """Maximum bytes on disk at a time."""
    rows = [size.rows for size in options.sizes]
    most = [max(*rows, options.world) * BYTES_A_TRIP + options.more * BYTES_A_SENT_TRIP]
    for name in {"postgres", "copy"} & set(options.peers):
        most += [each * POSTGRES_BYTES_A_TRIP for each in rows if each <= peer.KINDS[name].rows]
    return max(most)


def head(work, binary, versions):
    """Pairs of name and value."""
    cold = "the system's page cache dropped (/proc/sys/vm/drop_caches)"
    if not machine.forget():
        cold = "the database evicted from the page cache (posix_fadvise); root could drop it all"
    return [
        ("command", shlex.join(["bench/run.py", *sys.argv[1:]])),
        *machine.describe(ROOT, work),
        ("tripgraph", machine.output(binary, "--version")),
        *versions,
        ("many clients", rush.tool() or f"left out: {rush.MISSING}"),
        ("a cold start", cold),
        ("load before", machine.load()),
    ]


def loads(results):
    """Load averages after each size, which show whether the machine had other work."""
    return "; ".join(
        f"{each['name']}: {each['load']}" for each in results.records if "load" in each
    )


def measure(options, work, binary, kinds, python, results):
    """All sizes, from small to large, and then the other shape."""
    for size in options.sizes:
        chosen = [kind for kind in kinds if kind.rows is None or size.rows <= kind.rows]
        one(size, chosen, options, work, binary, python, results)
    say("many small files")
    results.many = many_files.measure(binary, many_files.FILES, many_files.ROWS, many_files.RUNS)
    results.save()
    if options.world:
        size = Size("world", options.world, "world")
        chosen = [kind for kind in kinds if kind is peer.KINDS["duckdb"]]
        one(size, chosen, options, work, binary, python, results)


def one(size, kinds, options, work, binary, python, results):
    measurement = Measurement(size, work / size.name, binary, results.save)
    results.records.append(measurement.record)
    started = time.monotonic()
    measurement.run(kinds, python, options.more)
    measurement.record["seconds"] = time.monotonic() - started
    measurement.record["load"] = machine.load()
    results.save()


def draw(packages, results, work):
    """Draws the plots: the names of those there are."""
    folder = work / "images"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        packages.version("matplotlib")
        command = [packages.python, Path(__file__).with_name("plots.py"), results.file, folder]
        subprocess.run(command, check=True)
    except (BenchError, subprocess.CalledProcessError) as error:
        say(f"no plots: {error}")
    return [name for name in tables.PLOTS if (folder / f"scalability-{name}.svg").exists()]


if __name__ == "__main__":
    # As an interrupt from the keyboard: children are ended, and what was measured is kept.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        main()
    except BenchError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("interrupted")
