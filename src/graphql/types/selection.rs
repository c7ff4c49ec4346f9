use async_graphql::{Enum, InputObject};

use crate::geo;
use crate::graphql::ApiError;
use crate::model::{Area, Selection, TripEndRule};
use crate::text::canonical_name;

/// A box in degrees, WGS 84, including its borders. If `west` > `east`, the box crosses the
/// antimeridian.
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

/// Which ends of a trip must be in the box for the trip to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Enum)]
#[graphql(remote = "TripEndRule")]
pub(crate) enum TripEnd {
    /// The origin. In a sum over disjoint boxes, each trip counts once.
    #[default]
    Origin,
    /// The destination.
    Destination,
    /// Both ends.
    Both,
    /// At least one end.
    Either,
}

/// Selects trips. Fields that are not given do not restrict the selection.
#[derive(Debug, Clone, Default, InputObject)]
pub(crate) struct TripFilter {
    /// Only trips with the ends given by `tripEnd` in this box.
    bbox: Option<BoundingBox>,
    /// Which ends of a trip must be in the box.
    #[graphql(default)]
    trip_end: TripEnd,
    /// Only trips of the region of this name.
    region: Option<String>,
    /// Only trips of the datasource of this name.
    datasource: Option<String>,
}

impl TripFilter {
    /// The selection; an error if the box is invalid.
    pub(crate) fn selection(self) -> Result<Selection, ApiError> {
        selection(self.bbox, self.trip_end, self.region, self.datasource)
    }
}

/// The selection of these arguments; an error if the box is invalid.
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
