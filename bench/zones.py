"""Areas that are no boxes: matrices and averages of zones, a border of many corners, exports.

    cargo build --release
    python3 bench/zones.py --binary target/release/tripgraph

prints one table for each. With `--peers PYTHON`, GeoPandas and DuckDB count the matrix of the city,
too, from the trips that were exported, and the run fails if an answer differs. That Python needs

    pip install geopandas pyarrow duckdb==1.4.4 duckdb-ext-spatial
"""

import argparse
import csv
import http.client
import json
import math
import os
import random
import statistics
import subprocess
import tempfile
import time
import urllib.parse
from pathlib import Path
from typing import NamedTuple

import machine
from areas import AREAS, Box
from machine import BenchError
from tripgraph import Server, generate

HERE = Path(__file__).resolve().parent
MATRIX = """
query ($set: String!, $region: String) {
  odMatrix(zoneSet: $set, filter: { region: $region }, first: 1000) {
    totalCount
    nodes { origin { id } destination { id } trips }
  }
}"""
AVERAGES = """
query ($set: String!, $end: TripEnd!) {
  zoneSet(name: $set) {
    weeklyAverages(tripEnd: $end) { zone { id } weeklyAverage { average totalTrips } }
  }
}"""
WEEKLY_AVERAGE = "query ($area: AreaInput!) { weeklyAverage(area: $area) { average totalTrips } }"
# Of the cities that are generated.
COUNTRIES = Box(7.4, 44.8, 14.8, 53.8)


class ZoneSet(NamedTuple):
    """Zones that cover a box in so many columns and rows; each side has so many edges."""

    name: str
    box: Box
    columns: int
    rows: int
    edges: int


SETS = (
    ZoneSet("260 zones of the city", AREAS["city"], 20, 13, 10),
    ZoneSet("5,000 zones of the city", AREAS["city"], 100, 50, 4),
    ZoneSet("5,000 zones of Europe", COUNTRIES, 100, 50, 10),
)


def features(zones):
    """A `FeatureCollection`: a grid whose lines were moved; neighbours have the same border."""
    chance = random.Random(7)
    wide = (zones.box.east - zones.box.west) / zones.columns
    high = (zones.box.north - zones.box.south) / zones.rows

    def moved(column, row):
        shake = [chance.uniform(-0.3, 0.3) / zones.edges for _ in range(2)]
        return [
            zones.box.west + (column + shake[0]) * wide,
            zones.box.south + (row + shake[1]) * high,
        ]

    def line(start, step):
        steps = range(zones.edges + 1)
        return [moved(*(at + by * n / zones.edges for at, by in zip(start, step))) for n in steps]

    corners = {(x, y): moved(x, y) for x in range(zones.columns + 1) for y in range(zones.rows + 1)}
    sides = {}
    for x, y in corners:
        for step in ((1, 0), (0, 1)):
            if end := corners.get((x + step[0], y + step[1])):
                between = line((x, y), step)[1:-1]
                sides[x, y, step] = [corners[x, y], *between, end]
    for y in range(zones.rows):
        for x in range(zones.columns):
            ring = sides[x, y, (1, 0)][:-1] + sides[x + 1, y, (0, 1)][:-1]
            ring += sides[x, y + 1, (1, 0)][:0:-1] + sides[x, y, (0, 1)][::-1]
            yield {
                "type": "Feature",
                "properties": {"zone": y * zones.columns + x},
                "geometry": {"type": "Polygon", "coordinates": [ring]},
            }


def border(box, corners):
    """A polygon with so many corners, as the border of a city has, that fills much of a box."""
    chance = random.Random(11)
    middle = [(box.west + box.east) / 2, (box.south + box.north) / 2]
    half = [(box.east - box.west) / 2, (box.north - box.south) / 2]
    waves = [(k, chance.random() / k, chance.uniform(0, math.tau)) for k in range(2, 40)]
    whole = sum(size for _, size, _ in waves)
    ring = []
    for number in range(corners - 1):
        angle = math.tau * number / (corners - 1)
        wave = sum(size * math.sin(k * angle + phase) for k, size, phase in waves) / whole
        radius = 0.8 + 0.5 * wave
        ring.append([
            middle[0] + half[0] * radius * math.cos(angle),
            middle[1] + half[1] * radius * math.sin(angle),
        ])  # fmt: skip
    return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}


def bounds(polygon):
    """The bounding box of a polygon as a variable."""
    lon, lat = zip(*polygon["coordinates"][0])
    return {"west": min(lon), "south": min(lat), "east": max(lon), "north": max(lat)}


def median(server, runs, document, variables):
    """The first answer, and the median milliseconds of the runs after it."""
    answers = [server.ask(document, variables) for _ in range(runs + 1)]
    if any(answer != answers[0][0] for answer, _ in answers):
        raise BenchError(f"{variables}: the answer differs when asked again")
    return answers[0][0], statistics.median(ms for _, ms in answers[1:])


def matrix(server, zones, file):
    """All pairs of zones, and their trips, from an export."""
    export(server, f"od.csv?zoneSet={urllib.parse.quote(zones.name)}", file)
    with open(file, newline="") as rows:
        return {
            (row["source_name"] or None, row["target_name"] or None): int(row["count"])
            for row in csv.DictReader(rows)
        }


def memory(server, name):
    """A figure of the server's memory, in MB."""
    status = Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
    line = next(line for line in status if line.startswith(name))
    return int(line.split()[1]) / 1000


def processor(server):
    """Seconds of processor time that the server has used."""
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def export(server, path, file):
    """Writes an export to a file: the seconds."""
    connection = http.client.HTTPConnection(server.address, timeout=3600)
    started = time.perf_counter()
    connection.request("GET", f"/export/{path}")
    response = connection.getresponse()
    if response.status != 200:
        raise BenchError(f"{path}: {response.read()}")
    with open(file, "wb") as out:
        while chunk := response.read(1 << 20):
            out.write(chunk)
    return time.perf_counter() - started


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", type=Path, default=Path("target/release/tripgraph"))
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--runs", type=int, default=5, help="of each question, after the first")
    parser.add_argument("--peers", metavar="PYTHON", help="count with GeoPandas and DuckDB, too")
    parser.add_argument("--work", type=Path, help="where the files are kept, for the next run")
    options = parser.parse_args()
    binary = options.binary.resolve()
    with tempfile.TemporaryDirectory() as work:
        run(options, binary, (options.work or Path(work)).resolve())


def run(options, binary, work):
    data = work / "data"
    if not data.exists():
        file = work / "trips.csv"
        generate(binary, options.rows, 1, file)
        machine.run([binary, "ingest", "--data-dir", data, "--sql-trips", "off", file])
        file.unlink()
        machine.run([binary, "compact", "--data-dir", data, "--sql-trips", "off"])
    for zones in SETS:
        file = work / "zones.geojson"
        collection = {"type": "FeatureCollection", "features": list(features(zones))}
        file.write_text(json.dumps(collection))
        command = [binary, "zones", "import", file, "--data-dir", data]
        command += ["--set", zones.name, "--id", "zone"]
        seconds, _ = machine.run(command)
        print(f"{zones.name}: imported in {seconds:.2f} s")

    with Server(binary, data) as server:
        print("\n| question | ms | answer |\n|---|---|---|")
        for zones in SETS:
            for region in (None, "Prague"):
                variables = {"set": zones.name, "region": region}
                answer, ms = median(server, options.runs, MATRIX, variables)
                pairs = answer["odMatrix"]["totalCount"]
                which = f"`odMatrix`, {'all trips' if region is None else 'the region of the city'}"
                print(f"| {zones.name}, {which} | {ms:,.0f} | {pairs:,} pairs |", flush=True)
            for end in ("ORIGIN", "DESTINATION", "BOTH"):
                answer, ms = median(server, options.runs, AVERAGES, {"set": zones.name, "end": end})
                averages = answer["zoneSet"]["weeklyAverages"]
                trips = sum(zone["weeklyAverage"]["totalTrips"] for zone in averages)
                print(f"| {zones.name}, `weeklyAverages`, {end} | {ms:,.0f} | {trips:,} trips |", flush=True)

        print("\n| area | ms | trips | × its bounding box |\n|---|---|---|---|")
        for name in ("47 km²", "city"):
            polygon = border(AREAS[name], 5_000)
            box = {"area": {"bbox": bounds(polygon)}}
            answer, of_box = median(server, 4 * options.runs, WEEKLY_AVERAGE, box)
            trips = answer["weeklyAverage"]["totalTrips"]
            print(f"| box around the border in {name} | {of_box:.1f} | {trips:,} | 1.0 |")
            area = {"area": {"polygon": polygon}}
            answer, ms = median(server, 4 * options.runs, WEEKLY_AVERAGE, area)
            trips = answer["weeklyAverage"]["totalTrips"]
            print(f"| border of 5,000 corners | {ms:.1f} | {trips:,} | {ms / of_box:.1f} |")

        print("\n| export | s | rows/s | bytes per row | memory of the server, MB |\n|---|---|---|---|---|")
        for name in ("trips.csv", "trips.parquet"):
            file = work / name
            seconds = export(server, name, file)
            rate, size = options.rows / seconds, file.stat().st_size / options.rows
            peak = memory(server, "VmHWM")
            print(f"| {name} | {seconds:.1f} | {rate:,.0f} | {size:.0f} | {peak:.0f} |", flush=True)

        if options.peers:
            expected = matrix(server, SETS[0], work / "od.csv")
            before = processor(server)
            _, ms = median(server, options.runs, MATRIX, {"set": SETS[0].name})
            used = (processor(server) - before) / (options.runs + 1)
            print("\n| matrix of the 260 zones | s | processor seconds | memory, MB |")
            print("|---|---|---|---|")
            print(f"| tripgraph | {ms / 1000:.2f} | {used:.2f} | {memory(server, 'VmHWM'):.0f} |")
            peers(options, work, expected)


def peers(options, work, expected):
    """Counts the matrix of the city with other programs."""
    file = work / "zones.geojson"
    collection = {"type": "FeatureCollection", "features": list(features(SETS[0]))}
    file.write_text(json.dumps(collection))
    for program in ("geopandas", "duckdb"):
        command = [options.peers, HERE / "zones_peers.py", program, work / "trips.parquet", file]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            print(f"without {program}: {done.stderr.strip().splitlines()[-1]}")
            continue
        answer = json.loads(done.stdout)
        pairs = {
            tuple(None if zone is None else str(zone) for zone in pair): trips
            for *pair, trips in answer["pairs"]
        }
        if pairs != expected:
            raise BenchError(f"{program} counts otherwise")
        seconds, used = answer["seconds"]
        size = answer["memory"] / 1e6
        print(f"| {program} {answer['version']} | {seconds:.1f} | {used:.1f} | {size:,.0f} |")


if __name__ == "__main__":
    main()
