use std::hash::{Hash, Hasher};

use thiserror::Error;

use super::degrees::shown;
use super::point::{is_latitude, is_longitude};

/// A box of longitudes and latitudes in degrees, borders included.
///
/// `west > east` means a box across the antimeridian. Longitudes are compared as numbers: a point
/// at -180 is not in a box from 170 to 180, though it lies on its border.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoundingBox {
    west: f64,
    south: f64,
    east: f64,
    north: f64,
}

// None of the four is NaN.
impl Eq for BoundingBox {}

impl Hash for BoundingBox {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for degrees in [self.west, self.south, self.east, self.north] {
            // 0 and -0 are equal.
            (degrees + 0.0).to_bits().hash(state);
        }
    }
}

/// Why four numbers are not a box.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub enum BoxError {
    /// The western border is not a number in -180…180.
    #[error("west {} is outside -180…180", shown(*.0))]
    West(f64),
    /// The southern border is not a number in -90…90.
    #[error("south {} is outside -90…90", shown(*.0))]
    South(f64),
    /// The eastern border is not a number in -180…180.
    #[error("east {} is outside -180…180", shown(*.0))]
    East(f64),
    /// The northern border is not a number in -90…90.
    #[error("north {} is outside -90…90", shown(*.0))]
    North(f64),
    /// The southern border is north of the northern border.
    #[error("south {} is greater than north {}", shown(*south), shown(*north))]
    UpsideDown {
        /// The southern border as given.
        south: f64,
        /// The northern border as given.
        north: f64,
    },
}

impl BoundingBox {
    /// The box with these borders: longitudes -180…180, latitudes -90…90, `south <= north`.
    pub fn new(west: f64, south: f64, east: f64, north: f64) -> Result<Self, BoxError> {
        if !is_longitude(west) {
            Err(BoxError::West(west))
        } else if !is_latitude(south) {
            Err(BoxError::South(south))
        } else if !is_longitude(east) {
            Err(BoxError::East(east))
        } else if !is_latitude(north) {
            Err(BoxError::North(north))
        } else if south > north {
            Err(BoxError::UpsideDown { south, north })
        } else {
            Ok(Self {
                west,
                south,
                east,
                north,
            })
        }
    }

    /// The box between these borders without its eastern and its northern border, so that boxes
    /// side by side have no point in common; but with the meridian 180 and the latitude 90, beyond
    /// which there is no other box. Without width or height, it contains no point.
    pub fn half_open(west: f64, south: f64, east: f64, north: f64) -> Result<Self, BoxError> {
        let mut bbox = Self::new(west, south, east, north)?;
        // Less than a number is at most the next lower one.
        #[expect(clippy::float_cmp, reason = "exactly the border of the map")]
        if bbox.east != 180.0 {
            bbox.east = bbox.east.next_down();
        }
        if bbox.north < 90.0 {
            bbox.north = bbox.north.next_down();
        }
        if west <= east && bbox.west > bbox.east {
            // Not a box across the antimeridian, but one that no latitude is in.
            (bbox.south, bbox.north) = (90.0, -90.0);
        }
        Ok(bbox)
    }

    /// Longitude of the western border, -180…180.
    #[must_use]
    pub const fn west(&self) -> f64 {
        self.west
    }

    /// Latitude of the southern border, -90…90.
    #[must_use]
    pub const fn south(&self) -> f64 {
        self.south
    }

    /// Longitude of the eastern border, up to 180; less than [`Self::west`] in a box across the
    /// antimeridian.
    #[must_use]
    pub const fn east(&self) -> f64 {
        self.east
    }

    /// Latitude of the northern border, -90…90.
    #[must_use]
    pub const fn north(&self) -> f64 {
        self.north
    }

    /// Whether the box reaches across the antimeridian.
    #[must_use]
    pub const fn crosses_antimeridian(&self) -> bool {
        self.west > self.east
    }

    /// Whether a point lies in the box: the definition that every index must agree with, equivalent
    /// to `lat BETWEEN south AND north AND lon BETWEEN west AND east` in SQL (where the box crosses
    /// the antimeridian: `lon >= west OR lon <= east`).
    #[inline]
    #[must_use]
    pub fn contains(&self, lon: f64, lat: f64) -> bool {
        let in_lon = if self.crosses_antimeridian() {
            lon >= self.west || lon <= self.east
        } else {
            lon >= self.west && lon <= self.east
        };
        in_lon && lat >= self.south && lat <= self.north
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borders_are_included() {
        let bbox = BoundingBox::new(13.0, 52.0, 14.0, 53.0).unwrap();
        for (lon, lat) in [(13.0, 52.0), (14.0, 53.0), (13.5, 52.5)] {
            assert!(bbox.contains(lon, lat));
        }
        for (lon, lat) in [
            (13.0_f64.next_down(), 52.5),
            (14.0_f64.next_up(), 52.5),
            (13.5, 52.0_f64.next_down()),
            (13.5, 53.0_f64.next_up()),
        ] {
            assert!(!bbox.contains(lon, lat));
        }
    }

    #[test]
    fn half_open_boxes_tile_the_globe() {
        let lons: [f64; 6] = [-180.0, -13.5, 0.0, 1e-300, 77.0, 180.0];
        let lats: [f64; 5] = [-90.0, -1.0, 0.0, 45.0, 90.0];
        let mut points = vec![];
        for lon in lons {
            for lat in lats {
                for lon in [lon.next_down(), lon, lon.next_up(), -lon] {
                    for lat in [lat.next_down(), lat, lat.next_up(), -lat] {
                        points.push((lon.clamp(-180.0, 180.0), lat.clamp(-90.0, 90.0)));
                    }
                }
            }
        }
        let mut tiles = vec![];
        for lon in lons.windows(2) {
            for lat in lats.windows(2) {
                tiles.push(BoundingBox::half_open(lon[0], lat[0], lon[1], lat[1]).unwrap());
            }
        }
        for (lon, lat) in points {
            let holding = tiles.iter().filter(|tile| tile.contains(lon, lat));
            assert_eq!(holding.count(), 1, "{lon} {lat}");
        }
    }

    #[test]
    fn half_open_boxes_may_cross_the_antimeridian_or_be_empty() {
        let bbox = BoundingBox::half_open(170.0, -10.0, -170.0, 10.0).unwrap();
        assert!(
            [170.0, 180.0, -180.0, -170.0_f64.next_up()]
                .iter()
                .all(|&lon| bbox.contains(lon, 0.0))
        );
        assert!(!bbox.contains(-170.0, 0.0) && !bbox.contains(0.0, 0.0));
        for (east, north) in [(1.0, 5.0), (5.0, 2.0)] {
            let empty = BoundingBox::half_open(1.0, 2.0, east, north).unwrap();
            for lon in [-180.0, 1.0_f64.next_down(), 1.0, 3.0, 180.0] {
                assert!(
                    [-90.0, 2.0, 3.0, 90.0]
                        .iter()
                        .all(|&lat| !empty.contains(lon, lat))
                );
            }
        }
        assert!(BoundingBox::half_open(0.0, 5.0, 1.0, 4.0).is_err());
    }

    #[test]
    fn west_greater_than_east_crosses_the_antimeridian() {
        let bbox = BoundingBox::new(170.0, -10.0, -170.0, 10.0).unwrap();
        assert!(bbox.crosses_antimeridian());
        for lon in [170.0, 180.0, -180.0, -170.0] {
            assert!(bbox.contains(lon, 0.0));
        }
        assert!(!bbox.contains(0.0, 0.0));
        assert!(!bbox.contains(175.0, 11.0));
    }

    #[test]
    fn the_two_names_of_the_antimeridian_are_two_longitudes() {
        let bbox = BoundingBox::new(170.0, -10.0, 180.0, 10.0).unwrap();
        assert!(bbox.contains(180.0, 0.0));
        assert!(!bbox.contains(-180.0, 0.0));
    }

    #[test]
    fn a_box_may_be_a_point() {
        let bbox = BoundingBox::new(1.0, 2.0, 1.0, 2.0).unwrap();
        assert!(bbox.contains(1.0, 2.0));
        assert!(!bbox.contains(1.0, 2.0_f64.next_up()));
    }

    #[test]
    fn errors_name_the_border() {
        let message = |west, south, east, north| {
            BoundingBox::new(west, south, east, north)
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            message(-181.0, 0.0, 0.0, 0.0),
            "west -181 is outside -180…180"
        );
        assert_eq!(message(0.0, -91.0, 0.0, 0.0), "south -91 is outside -90…90");
        assert_eq!(
            message(0.0, 0.0, f64::NAN, 0.0),
            "east NaN is outside -180…180"
        );
        assert_eq!(
            message(0.0, 0.0, 0.0, f64::INFINITY),
            "north inf is outside -90…90"
        );
        assert_eq!(
            message(0.0, 5.0, 0.0, 3.0),
            "south 5 is greater than north 3"
        );
    }
}
