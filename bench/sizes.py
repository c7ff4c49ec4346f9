"""The sizes that are measured: how many trips, how they lie, and how often they are asked for."""

from typing import NamedTuple

from areas import AREAS, MORNINGS, TRIP_ENDS, WORLD
from report import trips

# Up to so many trips, what takes long is repeated, and all areas are asked by all ends.
SMALL = 10_000_000
HOT = ("47 km²", "ORIGIN")
# Of the cells that similar trips are grouped by: as stored, and finer.
RESOLUTIONS = (7, 9)
CHOSEN = {
    ("1.6 km²", "ORIGIN"),
    *(("47 km²", trip_end) for trip_end in TRIP_ENDS),
    *((area, "ORIGIN") for area in ("city", "continent")),
    ("city", "BOTH"),
}


class Size(NamedTuple):
    """So many trips of a shape."""

    name: str
    rows: int
    shape: str = "cities"

    def ingests(self, slow):
        """How often a program makes its trips anew of the file."""
        return 3 if self.often(slow) else 1

    def warm(self, slow):
        """Answers after the first of each question."""
        return 9 if self.often(slow) else 5

    def often(self, slow):
        """Whether there is time to ask a program for more than is needed."""
        return self.rows <= SMALL and self.shape == "cities" and not slow

    def starts(self, area, trip_end):
        """How often a program is started anew to be asked a question."""
        return 3 if (area, trip_end) == HOT else 1

    def questions(self, slow):
        """Names and boxes of areas, and trip ends."""
        if self.shape == "world":
            return [(area, box, trip_end) for area, box in WORLD.items() for trip_end in TRIP_ENDS]
        questions = [
            (area, box, trip_end)
            for area, box in AREAS.items()
            for trip_end in TRIP_ENDS
            if self.often(slow) or (area, trip_end) in CHOSEN
        ]
        if not slow:
            questions.append((HOT[0], AREAS[HOT[0]], MORNINGS))
        return questions


def sizes(text):
    """Of names such as `1M,10M`, from small to large."""
    return sorted((Size(name, trips(name)) for name in text.split(",")), key=lambda size: size.rows)
