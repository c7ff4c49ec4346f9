use async_graphql::SimpleObject;

use crate::model;

/// Least and greatest longitude and latitude of points, in degrees, WGS 84. It never crosses the
/// antimeridian: `west` is at most `east`.
#[derive(SimpleObject)]
pub(crate) struct Extent {
    /// Least longitude.
    west: f64,
    /// Least latitude.
    south: f64,
    /// Greatest longitude.
    east: f64,
    /// Greatest latitude.
    north: f64,
}

impl From<model::Extent> for Extent {
    fn from(extent: model::Extent) -> Self {
        let model::Extent {
            west,
            south,
            east,
            north,
        } = extent;
        Self {
            west,
            south,
            east,
            north,
        }
    }
}
