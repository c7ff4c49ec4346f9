use async_graphql::{Context, Enum, ID, InputObject, OneofObject};

use super::GeoJson;
use crate::analytics::ZoneSets;
use crate::geo::{self, CellSet, Polygon};
use crate::graphql::cache::service;
use crate::graphql::{ApiError, Code, Disclosure};

/// A box in degrees, WGS 84. If `west` > `east`, the box crosses the antimeridian.
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
    /// Which of its borders the box includes.
    #[graphql(default)]
    borders: Borders,
}

/// Which of its borders a box includes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Enum)]
pub(crate) enum Borders {
    /// All four.
    #[default]
    Inclusive,
    /// The western and the southern border, and the northern and eastern ones only at latitude 90
    /// and longitude 180. So a point is in one box of a grid of boxes.
    HalfOpen,
}

/// An area, given in one of several ways.
#[derive(Debug, Clone, OneofObject)]
pub(crate) enum AreaInput {
    /// A box.
    Bbox(BoundingBox),
    /// A GeoJSON geometry of type Polygon or MultiPolygon, or a Feature with one. Edges are straight
    /// in longitude and latitude, and belong to the area, those of holes too. The direction of
    /// rings does not matter; rings may cross (even-odd rule). A polygon that crosses the
    /// antimeridian is split there into two. All rings together have at most 100,000 positions.
    Polygon(GeoJson),
    /// Indexes of H3 cells, of any resolutions, hexadecimal; at most 100,000. A trip end is in the
    /// cell that H3 computes for it at the resolution of the cell.
    Cells(Vec<String>),
    /// Identifier of a zone: the whole zone, including parts that overlap earlier zones of its set.
    Zone(ID),
}

impl BoundingBox {
    /// The box; an error if it is invalid.
    fn validated(self) -> Result<geo::BoundingBox, ApiError> {
        let new = match self.borders {
            Borders::Inclusive => geo::BoundingBox::new,
            Borders::HalfOpen => geo::BoundingBox::half_open,
        };
        new(self.west, self.south, self.east, self.north)
            .map_err(|error| ApiError::bad_input(format_args!("bbox: {error}")))
    }
}

impl AreaInput {
    /// The area of these arguments, of which at most one is given; an error if it is invalid.
    pub(crate) async fn of(
        ctx: &Context<'_>,
        area: Option<Self>,
        bbox: Option<BoundingBox>,
    ) -> Result<Option<geo::Area>, ApiError> {
        match (area, bbox) {
            (Some(_), Some(_)) => Err(ApiError::bad_input(
                "`area` and `bbox` exclude each other: give one of them",
            )),
            (Some(area), None) => area.validated(ctx).await.map(Some),
            (None, Some(bbox)) => Ok(Some(bbox.validated()?.into())),
            (None, None) => Ok(None),
        }
    }

    async fn validated(self, ctx: &Context<'_>) -> Result<geo::Area, ApiError> {
        match self {
            Self::Bbox(bbox) => Ok(bbox.validated()?.into()),
            Self::Polygon(GeoJson(value)) => Polygon::from_geojson(&value)
                .map(Into::into)
                .map_err(|error| ApiError::bad_input(format_args!("polygon: {error}"))),
            Self::Cells(cells) => {
                let cells = CellSet::parse(cells.iter().map(String::as_str))
                    .map_err(|error| ApiError::bad_input(format_args!("cells: {error}")))?;
                Disclosure::of(ctx)?.check_cells(cells.cells())?;
                Ok(cells.into())
            }
            Self::Zone(id) => zone(ctx, &id).await,
        }
    }
}

/// The area of a zone.
async fn zone(ctx: &Context<'_>, id: &ID) -> Result<geo::Area, ApiError> {
    let missing = || {
        let id: String = id.chars().take(200).collect();
        ApiError::new(Code::NotFound, format!("there is no zone {id}"))
    };
    let boundary = service::<ZoneSets>(ctx)?.boundary(id).await?;
    Ok(geo::Area::Polygon(boundary.ok_or_else(missing)?))
}
