"""The areas of the questions: boxes over the Prague of `tripgraph generate`, and larger ones."""

import math
from typing import NamedTuple

TRIP_ENDS = ("ORIGIN", "DESTINATION", "BOTH", "EITHER")
# By origin again, of the trips that depart on these days between these hours: which no histogram knows.
MORNINGS = "ORIGIN, 7–9 on weekdays"
WEEKDAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY")
HOURS = (7, 9)


class Box(NamedTuple):
    """A bounding box in degrees, borders included."""

    west: float
    south: float
    east: float
    north: float

    def square_kilometres(self):
        """The area on a sphere of the Earth's mean radius."""
        height = math.sin(math.radians(self.north)) - math.sin(math.radians(self.south))
        return 6371.0088**2 * math.radians(self.east - self.west) * height


AREAS = {
    "1.6 km²": Box(14.491, 50.0545, 14.509, 50.0657),
    "47 km²": Box(14.452, 50.029, 14.548, 50.091),
    "city": Box(14.30, 49.98, 14.70, 50.14),
    "continent": Box(-11.0, 35.0, 32.0, 60.0),
    "globe": Box(-180.0, -90.0, 180.0, 90.0),
}

# As large as the smallest area, and apart from each other, over the same city.
MANY = [
    Box(west, south, west + 0.018, south + 0.0112)
    for west in (round(14.37 + 0.03 * column, 3) for column in range(8))
    for south in (round(50.0 + 0.015 * row, 3) for row in range(8))
]

# For trips that are scattered over the whole world.
WORLD = {
    "10° × 10°": Box(8.0, 44.0, 18.0, 54.0),
    "continent": AREAS["continent"],
}


def condition(box, trip_end):
    """The SQL condition for trips that count for a box."""
    west, south, east, north = box
    within = {
        end: f"{end}_lon BETWEEN {west} AND {east} AND {end}_lat BETWEEN {south} AND {north}"
        for end in ("origin", "destination")
    }
    return {
        "ORIGIN": within["origin"],
        "DESTINATION": within["destination"],
        "BOTH": " AND ".join(within.values()),
        "EITHER": " OR ".join(f"({text})" for text in within.values()),
        MORNINGS: f"{within['origin']} AND isodow(departed_at) <= {len(WEEKDAYS)}"
        f" AND hour(departed_at) >= {HOURS[0]} AND hour(departed_at) < {HOURS[1]}",
    }[trip_end]
