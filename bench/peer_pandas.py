"""pandas, as a peer: all trips as columns in memory, a mask and a group-by; see `peer.py`."""

from answering import peak, serve, timed
from areas import Box


class Pandas:
    """A frame of trips."""

    frame = None

    def make(self, file):
        import pandas

        names = {"region": "category", "datasource": "category"}
        read = pandas.read_csv(file, dtype=names, parse_dates=["datetime"])
        self.frame = read[["region", "datasource"]].assign(departed_at=read["datetime"])
        for end in ("origin", "destination"):
            # Of `POINT (lon lat)`, the only spelling that is generated.
            points = read.pop(f"{end}_coord").str.slice(7, -1).str.split(" ", n=1, expand=True)
            self.frame[[f"{end}_lon", f"{end}_lat"]] = points.astype("float64")

    def load(self, file):
        _, seconds = timed(self.make, file)
        return seconds, peak()

    def within(self, box, end):
        lon, lat = self.frame[f"{end}_lon"], self.frame[f"{end}_lat"]
        return lon.between(box.west, box.east) & lat.between(box.south, box.north)

    def chosen(self, box, trip_end):
        """Which trips count for a box."""
        if trip_end in ("ORIGIN", "DESTINATION"):
            return self.within(box, trip_end.lower())
        origin, destination = self.within(box, "origin"), self.within(box, "destination")
        return origin & destination if trip_end == "BOTH" else origin | destination

    def count(self, box, trip_end):
        departed = self.frame["departed_at"][self.chosen(box, trip_end)]
        return departed.dt.to_period("W").value_counts()

    def weeks(self, box, trip_end):
        counts, seconds = timed(self.count, Box(*box), trip_end)
        weeks = {str(week.start_time.date()): int(trips) for week, trips in counts.items()}
        return weeks, seconds * 1000


if __name__ == "__main__":
    serve(Pandas())
