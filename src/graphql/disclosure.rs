//! What a client may learn: everything, or aggregates alone.
//!
//! An operation for a client that may learn aggregates alone is checked before it runs: it may use
//! only the fields, arguments and input fields in [`AGGREGATES`]. What is not listed is refused, so
//! that a new field reveals nothing until somebody has decided about it. The resolvers of listed
//! fields round counts with [`Disclosure::unit`]. `docs/guides/security.md` says what this guarantees.

use async_graphql::Context;
use h3o::CellIndex;

use super::ApiError;
use super::cache::service;
use super::error::Code;
use crate::model::{BucketMinutes, CountUnit, Similarity};

/// What a client may learn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disclosure {
    /// Everything that is stored.
    Everything,
    /// Counts of trips of fixed places, in whole weeks or over all time, in multiples of a unit.
    Aggregates(CountUnit),
}

/// Fields, arguments and input fields that reveal nothing beside rounded counts of fixed places.
const AGGREGATES: &[&str] = &[
    "AreaInput.cells",
    "AreaInput.zone",
    "Cell.boundary",
    "Cell.center",
    "Cell.index",
    "Cell.resolution",
    "Datasource.name",
    "Datasource.regions",
    "Datasource.trips",
    "OdPair.destination",
    "OdPair.origin",
    "OdPair.trips",
    "OdPairConnection.edges",
    "OdPairConnection.nodes",
    "OdPairConnection.pageInfo",
    "OdPairConnection.totalCount",
    "OdPairEdge.cursor",
    "OdPairEdge.node",
    "PageInfo.endCursor",
    "PageInfo.hasNextPage",
    "PageInfo.hasPreviousPage",
    "PageInfo.startCursor",
    "Point.lat",
    "Point.lon",
    "ProfileCell.dayOfWeek",
    "ProfileCell.hour",
    "ProfileCell.trips",
    "Query.datasource",
    "Query.datasource(name:)",
    "Query.datasources",
    "Query.groupedTrips",
    "Query.groupedTrips(after:)",
    "Query.groupedTrips(filter:)",
    "Query.groupedTrips(first:)",
    "Query.groupedTrips(minTrips:)",
    "Query.groupedTrips(resolution:)",
    "Query.groupedTrips(timeBucketMinutes:)",
    "Query.odMatrix",
    "Query.odMatrix(after:)",
    "Query.odMatrix(filter:)",
    "Query.odMatrix(first:)",
    "Query.odMatrix(minTrips:)",
    "Query.odMatrix(zoneSet:)",
    "Query.region",
    "Query.region(name:)",
    "Query.regions",
    "Query.tripProfile",
    "Query.tripProfile(area:)",
    "Query.tripProfile(datasource:)",
    "Query.tripProfile(region:)",
    "Query.tripProfile(tripEnd:)",
    "Query.weeklyAverage",
    "Query.weeklyAverage(area:)",
    "Query.weeklyAverage(datasource:)",
    "Query.weeklyAverage(fromWeek:)",
    "Query.weeklyAverage(region:)",
    "Query.weeklyAverage(toWeek:)",
    "Query.weeklyAverage(tripEnd:)",
    "Query.zoneSet",
    "Query.zoneSet(name:)",
    "Query.zoneSets",
    "Region.datasources",
    "Region.name",
    "Region.trips",
    "TripFilter.area",
    "TripFilter.datasource",
    "TripFilter.region",
    "TripFilter.tripEnd",
    "TripGroup.destination",
    "TripGroup.endTime",
    "TripGroup.id",
    "TripGroup.origin",
    "TripGroup.startTime",
    "TripGroup.trips",
    "TripGroupConnection.edges",
    "TripGroupConnection.nodes",
    "TripGroupConnection.pageInfo",
    "TripGroupConnection.totalCount",
    "TripGroupEdge.cursor",
    "TripGroupEdge.node",
    "TripProfile.cells",
    "WeekCount.trips",
    "WeekCount.week",
    "WeeklyAverage.activeWeeks",
    "WeeklyAverage.average",
    "WeeklyAverage.averageOfActiveWeeks",
    "WeeklyAverage.calendarWeeks",
    "WeeklyAverage.firstWeek",
    "WeeklyAverage.lastWeek",
    "WeeklyAverage.totalTrips",
    "WeeklyAverage.weeks",
    "Zone.boundary",
    "Zone.id",
    "Zone.name",
    "ZoneAverage.weeklyAverage",
    "ZoneAverage.zone",
    "ZoneConnection.edges",
    "ZoneConnection.nodes",
    "ZoneConnection.pageInfo",
    "ZoneConnection.totalCount",
    "ZoneEdge.cursor",
    "ZoneEdge.node",
    "ZoneSet.name",
    "ZoneSet.weeklyAverages",
    "ZoneSet.weeklyAverages(datasource:)",
    "ZoneSet.weeklyAverages(fromWeek:)",
    "ZoneSet.weeklyAverages(region:)",
    "ZoneSet.weeklyAverages(toWeek:)",
    "ZoneSet.weeklyAverages(tripEnd:)",
    "ZoneSet.zones",
    "ZoneSet.zones(after:)",
    "ZoneSet.zones(first:)",
];

/// The finest cells of aggregates: about 5 km².
const FINEST_RESOLUTION: u8 = 7;

impl Disclosure {
    /// What the client of this request may learn.
    pub(super) fn of(ctx: &Context<'_>) -> Result<Self, ApiError> {
        service::<Self>(ctx).copied()
    }

    /// Whether an operation may use a field, an argument or an input field, given as its schema
    /// coordinate.
    pub(super) fn allows(self, coordinate: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Aggregates(_) => AGGREGATES.binary_search(&coordinate).is_ok(),
        }
    }

    /// The unit of all counts of trips.
    pub(super) const fn unit(self) -> CountUnit {
        match self {
            Self::Everything => CountUnit::EXACT,
            Self::Aggregates(unit) => unit,
        }
    }

    /// Checks an area of cells: aggregates are those of one coarse cell, since the difference of two
    /// sets of cells is a third one.
    pub(super) fn check_cells(self, cells: &[CellIndex]) -> Result<(), ApiError> {
        let is_one = cells.len() == 1
            && cells
                .iter()
                .all(|cell| u8::from(cell.resolution()) <= FINEST_RESOLUTION);
        self.require(is_one, "one cell of resolution 0–7 as an area of `cells`")
    }

    /// Checks what makes trips similar.
    pub(super) fn check_similarity(self, similarity: Similarity) -> Result<(), ApiError> {
        let is_coarse = similarity.resolution.get() <= FINEST_RESOLUTION
            && similarity
                .bucket
                .minutes()
                .is_multiple_of(BucketMinutes::HOUR.minutes());
        self.require(
            is_coarse,
            "a `resolution` of 0–7 and a `timeBucketMinutes` of whole hours",
        )
    }

    fn require(self, fulfilled: bool, what: &str) -> Result<(), ApiError> {
        if fulfilled || self == Self::Everything {
            return Ok(());
        }
        let message = format!("a token of scope `aggregate` allows {what}");
        Err(ApiError::new(Code::Forbidden, message))
    }
}

/// The error for a field, an argument or an input field that a client may not use.
pub(super) fn withheld(coordinate: &str) -> ApiError {
    let message = format!("`{coordinate}` needs a token of scope `read` or `write`");
    ApiError::new(Code::Forbidden, message)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use apollo_compiler::Schema;
    use apollo_compiler::schema::ExtendedType;

    use super::*;
    use crate::geo::Resolution;

    /// What only tokens of scope `read` may use: types with everything in them, and single
    /// coordinates. An argument of such a field needs no entry.
    const WITHHELD: &[&str] = &[
        "AreaInput.bbox",
        "AreaInput.polygon",
        "BoundingBox",
        "Datasource.firstDepartedAt",
        "Datasource.lastDepartedAt",
        "Extent",
        "IngestTripsPayload",
        "Ingestion",
        "IngestionConnection",
        "IngestionEdge",
        "IngestionError",
        "IngestionWarning",
        "Mutation",
        "OdPair.tripsBefore",
        "PeriodInput",
        "Query.groupedTrips(compareTo:)",
        "Query.groupedTrips(orderBy:)",
        "Query.ingestion",
        "Query.ingestions",
        "Query.odMatrix(compareTo:)",
        "Query.odMatrix(orderBy:)",
        "Query.tripProfile(fromWeek:)",
        "Query.tripProfile(toWeek:)",
        "Query.trips",
        "Query.weeklyAverage(bbox:)",
        "Query.weeklyAverage(daysOfWeek:)",
        "Query.weeklyAverage(ingestion:)",
        "Query.weeklyAverage(timeRanges:)",
        "RecognisedFormat",
        "Region.extent",
        "Region.firstDepartedAt",
        "Region.lastDepartedAt",
        "Region.latestDatasource",
        "RejectedReason",
        "RejectedRow",
        "RejectedRowConnection",
        "RejectedRowEdge",
        "Subscription",
        "TimeRange",
        "Trip",
        "TripConnection",
        "TripEdge",
        "TripFilter.bbox",
        "TripFilter.daysOfWeek",
        "TripFilter.fromWeek",
        "TripFilter.ingestion",
        "TripFilter.timeRanges",
        "TripFilter.toWeek",
        "TripFormat",
        "TripGroup.members",
        "TripGroup.tripsBefore",
        "ZoneSet.weeklyAverages(daysOfWeek:)",
        "ZoneSet.weeklyAverages(timeRanges:)",
    ];

    fn aggregates() -> Disclosure {
        Disclosure::Aggregates(CountUnit::EXACT)
    }

    /// Every field, argument and input field of the schema, each with the entries that decide about
    /// it.
    fn coordinates() -> Vec<(String, Vec<String>)> {
        let schema = Schema::parse_and_validate(crate::graphql::sdl(), "schema.graphql").unwrap();
        let mut all = Vec::new();
        for (name, ty) in schema
            .types
            .iter()
            .filter(|(name, _)| !name.starts_with("__"))
        {
            match ty {
                ExtendedType::Object(object) => {
                    for (field, definition) in &object.fields {
                        let coordinate = format!("{name}.{field}");
                        let deciding = vec![coordinate.clone(), name.to_string()];
                        for argument in &definition.arguments {
                            let argument = format!("{coordinate}({}:)", argument.name);
                            let mut deciding = deciding.clone();
                            deciding.push(argument.clone());
                            all.push((argument, deciding));
                        }
                        all.push((coordinate, deciding));
                    }
                }
                ExtendedType::InputObject(input) => {
                    for field in input.fields.keys() {
                        let coordinate = format!("{name}.{field}");
                        all.push((coordinate.clone(), vec![coordinate, name.to_string()]));
                    }
                }
                ExtendedType::Scalar(_) | ExtendedType::Enum(_) => {}
                other => panic!("decide about fields of {}", other.name()),
            }
        }
        all
    }

    /// A field that is added to the schema must be added to one of the lists: it is withheld, or its
    /// resolver rounds what it counts.
    #[test]
    fn every_field_is_classified() {
        let (mut used, mut wrong) = (BTreeSet::new(), Vec::new());
        for (coordinate, deciding) in coordinates() {
            let listed = AGGREGATES.contains(&coordinate.as_str());
            let withheld = deciding
                .iter()
                .filter(|entry| WITHHELD.contains(&entry.as_str()));
            let withheld: Vec<_> = withheld.cloned().collect();
            if listed == withheld.is_empty() {
                used.extend(withheld);
            } else {
                wrong.push(coordinate.clone());
            }
            assert_eq!(aggregates().allows(&coordinate), listed, "{coordinate}");
            assert!(Disclosure::Everything.allows(&coordinate));
            if listed {
                used.insert(coordinate);
            }
        }
        assert!(wrong.is_empty(), "in no list or in both: {wrong:?}");
        for entry in AGGREGATES.iter().chain(WITHHELD) {
            assert!(used.contains(*entry), "not in the schema: {entry}");
        }
        assert!(AGGREGATES.is_sorted() && WITHHELD.is_sorted());
    }

    #[test]
    fn aggregates_are_those_of_one_coarse_cell() {
        let cell: CellIndex = "871e3542cffffff".parse().unwrap();
        let fine = cell.children(h3o::Resolution::Eight).next().unwrap();
        assert!(aggregates().check_cells(&[cell]).is_ok());
        for cells in [vec![], vec![fine], vec![cell, cell]] {
            assert!(aggregates().check_cells(&cells).is_err());
            assert!(Disclosure::Everything.check_cells(&cells).is_ok());
        }
        for (resolution, minutes, allowed) in [
            (7, 60, true),
            (0, 1440, true),
            (8, 60, false),
            (7, 30, false),
        ] {
            let similarity = Similarity {
                resolution: Resolution::new(resolution).unwrap(),
                bucket: BucketMinutes::new(minutes).unwrap(),
            };
            let checked = aggregates().check_similarity(similarity);
            assert_eq!(checked.is_ok(), allowed, "{resolution} {minutes}");
            assert!(Disclosure::Everything.check_similarity(similarity).is_ok());
        }
    }
}
