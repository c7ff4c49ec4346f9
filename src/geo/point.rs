use h3o::LatLng;
use thiserror::Error;

use super::degrees::shown;

/// A position on the globe, WGS 84, in degrees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    lon: f64,
    lat: f64,
}

/// Why a pair of numbers is not a position.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub enum PointError {
    /// The longitude is not a number in -180…180.
    #[error("longitude {} is outside -180…180", shown(*.0))]
    Longitude(f64),
    /// The latitude is not a number in -90…90.
    #[error("latitude {} is outside -90…90", shown(*.0))]
    Latitude(f64),
}

impl Point {
    /// The point at that longitude (-180…180) and latitude (-90…90), kept bit by bit.
    pub fn new(lon: f64, lat: f64) -> Result<Self, PointError> {
        if !is_longitude(lon) {
            Err(PointError::Longitude(lon))
        } else if !is_latitude(lat) {
            Err(PointError::Latitude(lat))
        } else {
            Ok(Self { lon, lat })
        }
    }

    /// A position that H3 computed: finite, and in range up to the rounding to degrees.
    pub(super) fn computed(position: LatLng) -> Self {
        Self::clamped(position.lng(), position.lat())
    }

    /// The nearest point to computed degrees, which must be numbers.
    pub(super) const fn clamped(lon: f64, lat: f64) -> Self {
        Self {
            lon: lon.clamp(-180.0, 180.0),
            lat: lat.clamp(-90.0, 90.0),
        }
    }

    /// Longitude in degrees, -180…180, east positive.
    #[must_use]
    pub const fn lon(self) -> f64 {
        self.lon
    }

    /// Latitude in degrees, -90…90, north positive.
    #[must_use]
    pub const fn lat(self) -> f64 {
        self.lat
    }
}

/// Whether a number is a longitude in degrees; NaN is not.
pub(super) fn is_longitude(degrees: f64) -> bool {
    (-180.0..=180.0).contains(&degrees)
}

/// Whether a number is a latitude in degrees; NaN is not.
pub(super) fn is_latitude(degrees: f64) -> bool {
    (-90.0..=90.0).contains(&degrees)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borders_are_valid() {
        for lon in [-180.0, -0.0, 180.0] {
            for lat in [-90.0, 0.0, 90.0] {
                let point = Point::new(lon, lat).unwrap();
                assert_eq!(point.lon().to_bits(), f64::to_bits(lon));
                assert_eq!(point.lat().to_bits(), f64::to_bits(lat));
            }
        }
    }

    #[test]
    fn errors_name_the_coordinate() {
        let message = |lon, lat| Point::new(lon, lat).unwrap_err().to_string();
        assert_eq!(message(0.0, 91.0), "latitude 91 is outside -90…90");
        assert_eq!(
            message(-180.5, 91.0),
            "longitude -180.5 is outside -180…180"
        );
        assert_eq!(message(f64::NAN, 0.0), "longitude NaN is outside -180…180");
        assert_eq!(
            message(0.0, f64::NEG_INFINITY),
            "latitude -inf is outside -90…90"
        );
        assert!(Point::new(180.0_f64.next_up(), 0.0).is_err());
    }
}
