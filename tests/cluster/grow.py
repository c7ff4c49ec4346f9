#!/usr/bin/env python3
"""Measures clusters of 1, 2 and 4 workers whose workers have a quarter of a core each.

    tests/cluster/grow.py DIR [--rows 3000000] [--rounds 5]

DIR is the folder that tests/cluster/build has filled. Needs root and the cgroup controller `cpu` (version 1). The
program, the coordinator and everything else share the rest of this machine. TRIPGRAPH_BIN is the program.
"""

import argparse
import random
import statistics
import subprocess
import tempfile
from pathlib import Path

import compare

SHARE = 25_000
PERIOD = 100_000
PORT = 55_460
CITY_GROUPS = """query ($bbox: BoundingBox) { groupedTrips(filter: { bbox: $bbox }, first: 10) { totalCount } }"""
CITY_BOTH = """query ($bbox: BoundingBox) { weeklyAverage(bbox: $bbox, tripEnd: BOTH) { totalTrips } }"""
COSTLY = {"groups of a city": (CITY_GROUPS, 0.3), "a city, by BOTH": (CITY_BOTH, 0.3), "47 km²": (compare.AVERAGE, 0.096)}
HERE = Path(__file__).resolve().parent


def limit(folder, workers):
    for number in range(1, workers + 1):
        group = Path(f"/sys/fs/cgroup/cpu/tripgraph-worker-{number}")
        group.mkdir(exist_ok=True)
        (group / "cpu.cfs_period_us").write_text(str(PERIOD))
        (group / "cpu.cfs_quota_us").write_text(str(SHARE))
        server = (folder / f"nodes/worker-{number}/postmaster.pid").read_text().split()[0]
        children = subprocess.run(["pgrep", "-P", server], capture_output=True, text=True, check=True)
        for process in [server, *children.stdout.split()]:
            (group / "cgroup.procs").write_text(process)


def measure(folder, workers, files, options):
    folder.mkdir(exist_ok=True)
    (folder / "root").unlink(missing_ok=True)
    (folder / "root").symlink_to(folder.parent / "root")
    subprocess.run([HERE / "start", folder, str(PORT), str(workers)], stdout=subprocess.DEVNULL, check=True)
    try:
        limit(folder, workers)
        url = f"postgres://postgres@127.0.0.1:{PORT + 1}/postgres"
        with tempfile.TemporaryDirectory() as home:
            took = [compare.ingest(url, home, file, True) for file in files]
            cells = [f"{workers}", f"{options.rows / took[-1]:,.0f}"]
            server = compare.Server(url, f"{home}/server", True, log=subprocess.DEVNULL)
            try:
                for query, side in COSTLY.values():
                    chance = random.Random(5)
                    times = [server.ask(query, compare.box(chance, side))[1] for _ in range(options.rounds)]
                    cells.append(f"{statistics.median(times) * 1000:,.0f} ms")
                cells.append(f"{compare.rate(server, options.rounds):,.0f}")
            finally:
                server.process.terminate()
                server.process.wait()
        print("| " + " | ".join(cells) + " |", flush=True)
    finally:
        subprocess.run([HERE / "stop", folder], stdout=subprocess.DEVNULL, check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--rows", type=int, default=3_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = [f"{folder}/{seed}.csv" for seed in (1, 2)]
        for seed, file in enumerate(files, 1):
            command = [compare.BINARY, "generate", "--rows", str(options.rows), "--seed", str(seed), "--output", file]
            subprocess.run(command, check=True)
        print(f"| workers | rows/s | {' | '.join(COSTLY)} | {compare.CLIENTS} clients, 1.6 km², questions/s |")
        print("|" + "---|" * (3 + len(COSTLY)))
        for workers in (1, 2, 4):
            measure(Path(options.folder).resolve() / f"growth-{workers}", workers, files, options)


if __name__ == "__main__":
    main()
