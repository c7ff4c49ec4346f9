use serde::Serialize;

use crate::geo::Point;

/// Least and greatest longitude and latitude of points, in degrees. The antimeridian is not crossed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Extent {
    /// Least longitude.
    pub west: f64,
    /// Least latitude.
    pub south: f64,
    /// Greatest longitude.
    pub east: f64,
    /// Greatest latitude.
    pub north: f64,
}

impl Extent {
    /// That of a point.
    #[must_use]
    pub const fn of(point: Point) -> Self {
        Self::of_degrees([point.lon(), point.lat()])
    }

    /// That of a longitude and a latitude.
    #[must_use]
    pub const fn of_degrees([lon, lat]: [f64; 2]) -> Self {
        Self {
            west: lon,
            south: lat,
            east: lon,
            north: lat,
        }
    }

    /// That of the points of both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            west: self.west.min(other.west),
            south: self.south.min(other.south),
            east: self.east.max(other.east),
            north: self.north.max(other.north),
        }
    }
}
