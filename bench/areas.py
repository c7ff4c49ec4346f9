"""The areas that are asked about: boxes over Prague as `tripgraph generate` makes it, and larger."""

import math
from typing import NamedTuple

TRIP_ENDS = ("ORIGIN", "DESTINATION", "BOTH", "EITHER")


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
