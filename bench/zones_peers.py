"""The trips from zone to zone, by spatial joins of other programs: see `zones.py`.

A trip's two ends are joined with the zones, and the pairs are counted. The trips are in memory as
numbers before the clock starts.
"""

import json
import sys
import time

from answering import peak

COLUMNS = [f"{end}_{axis}" for end in ("origin", "destination") for axis in ("lon", "lat")]


def clocks():
    """Seconds, and those of all processors."""
    return time.perf_counter(), time.process_time()


def since(started):
    return [now - then for now, then in zip(clocks(), started)]


def by_geopandas(trips, zones):
    import geopandas
    import pandas

    trips = pandas.read_parquet(trips, columns=COLUMNS)
    zones = geopandas.read_file(zones)[["zone", "geometry"]]
    started = clocks()
    of_trip = {}
    for end in ("origin", "destination"):
        points = geopandas.points_from_xy(trips[f"{end}_lon"], trips[f"{end}_lat"], crs=zones.crs)
        points = geopandas.GeoDataFrame(geometry=points)
        joined = points.sjoin(zones, how="left", predicate="intersects")
        # On a border: the first zone.
        of_trip[end] = joined["zone"]
        if joined.index.has_duplicates:
            of_trip[end] = of_trip[end].groupby(level=0).first()
    pairs = pandas.DataFrame(of_trip).value_counts(dropna=False)
    seconds = since(started)

    def zone(value):
        return None if pandas.isna(value) else int(value)

    counts = [(*map(zone, pair), int(count)) for pair, count in pairs.items()]
    return geopandas.__version__, seconds, counts


def by_duckdb(trips, zones):
    from pathlib import Path

    import duckdb

    database = duckdb.connect()
    try:
        database.load_extension("spatial")
    except duckdb.Error:
        # Where it comes as a package, `duckdb-ext-spatial`.
        site = Path(duckdb.__file__).parent.parent
        (extension,) = site.glob("duckdb_ext/extensions/*/*/spatial.duckdb_extension")
        database.load_extension(str(extension))
    database.execute(f"CREATE TABLE trip AS SELECT {', '.join(COLUMNS)} FROM read_parquet('{trips}')")
    database.execute(f"CREATE TABLE zone AS SELECT zone, geom FROM ST_Read('{zones}')")
    started = clocks()
    pairs = database.execute("""
        SELECT o.zone, d.zone, count(*) FROM trip
        LEFT JOIN zone AS o ON ST_Intersects(o.geom, ST_Point(origin_lon, origin_lat))
        LEFT JOIN zone AS d ON ST_Intersects(d.geom, ST_Point(destination_lon, destination_lat))
        GROUP BY ALL""").fetchall()
    return duckdb.__version__, since(started), pairs


def main():
    program, trips, zones = sys.argv[1:]
    functions = {"geopandas": by_geopandas, "duckdb": by_duckdb}
    version, seconds, pairs = functions[program](trips, zones)
    print(json.dumps({"version": version, "seconds": seconds, "memory": peak(), "pairs": pairs}))


if __name__ == "__main__":
    main()
