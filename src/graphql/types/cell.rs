use async_graphql::{Object, SimpleObject};
use h3o::CellIndex;

use crate::geo;

/// A point in WGS 84.
#[derive(Debug, Clone, Copy, SimpleObject)]
pub(crate) struct Point {
    /// Longitude in degrees, -180 to 180; outside this range in the `boundary` of a cell that
    /// crosses the antimeridian.
    lon: f64,
    /// Latitude in degrees, -90 to 90.
    lat: f64,
}

impl From<geo::Point> for Point {
    fn from(point: geo::Point) -> Self {
        Self {
            lon: point.lon(),
            lat: point.lat(),
        }
    }
}

/// A cell of the H3 grid.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cell(pub CellIndex);

/// A cell of the H3 grid: a hexagon, or one of twelve pentagons per resolution.
#[Object]
impl Cell {
    /// H3 index, hexadecimal.
    async fn index(&self) -> String {
        self.0.to_string()
    }

    /// H3 resolution, 0 (coarsest) to 15.
    async fn resolution(&self) -> i32 {
        i32::from(u8::from(self.0.resolution()))
    }

    /// Centre of the cell.
    async fn center(&self) -> Point {
        geo::center(self.0).into()
    }

    /// Corners of the cell, counter-clockwise, as a ring that can be drawn on a map; the first
    /// corner is not repeated at the end. Longitudes are continuous: if the cell crosses the
    /// antimeridian, some are below -180 or above 180. The ring of a cell around a pole spans 360
    /// degrees and is closed along that pole.
    async fn boundary(&self) -> Vec<Point> {
        let ring = geo::ring(self.0).into_iter();
        ring.map(|[lon, lat]| Point { lon, lat }).collect()
    }
}
