use async_graphql::{Enum, InputObject};

use crate::geo;
use crate::graphql::ApiError;
use crate::model::{Area, Selection, TripEnds};
use crate::text::canonical_name;

/// A box in degrees, WGS 84, borders included. `west` > `east` crosses the antimeridian.
#[derive(Debug, Clone, Copy, InputObject)]
pub(crate) struct BoundingBox {
    /// Longitude of the western border, -180 to 180.
    west: f64,
    /// Latitude of the southern border, -90 to 90.
    south: f64,
    /// Longitude of the eastern border, -180 to 180.
    east: f64,
    /// Latitude of the northern border, -90 to 90; not below `south`.
    north: f64,
}

/// Which ends of a trip must lie in the box for the trip to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Enum)]
#[graphql(remote = "TripEnds")]
pub(crate) enum TripEnd {
    /// The origin. Summed over disjoint boxes, each trip counts once.
    #[default]
    Origin,
    /// The destination.
    Destination,
    /// Both ends.
    Both,
    /// At least one end.
    Either,
}

/// Which trips a question is about; what is not given does not restrict.
#[derive(Debug, Clone, Default, InputObject)]
pub(crate) struct TripFilter {
    /// Trips for this box.
    bbox: Option<BoundingBox>,
    /// Which ends must lie in the box.
    #[graphql(default)]
    trip_end: TripEnd,
    /// Trips of the region of this name.
    region: Option<String>,
    /// Trips of the datasource of this name.
    datasource: Option<String>,
}

impl TripFilter {
    /// The trips it names.
    pub(crate) fn selection(self) -> Result<Selection, ApiError> {
        selection(self.bbox, self.trip_end, self.region, self.datasource)
    }
}

/// The trips that these arguments name.
pub(crate) fn selection(
    bbox: Option<BoundingBox>,
    trip_end: TripEnd,
    region: Option<String>,
    datasource: Option<String>,
) -> Result<Selection, ApiError> {
    let area = bbox
        .map(|bbox| {
            geo::BoundingBox::new(bbox.west, bbox.south, bbox.east, bbox.north)
                .map(|bbox| Area {
                    bbox,
                    ends: trip_end.into(),
                })
                .map_err(|error| ApiError::bad_input(format_args!("bbox: {error}")))
        })
        .transpose()?;
    let canonical = |name: String| canonical_name(&name).into_owned();
    Ok(Selection {
        area,
        region: region.map(canonical),
        datasource: datasource.map(canonical),
    })
}
