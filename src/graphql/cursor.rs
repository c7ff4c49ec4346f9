//! Cursors: opaque to clients, validated when a client sends them back.

use async_graphql::connection::{CursorType, OpaqueCursor};
use h3o::CellIndex;
use serde::{Deserialize, Serialize};

use super::ApiError;
use crate::analytics::OdPair;
use crate::model::{BucketMinutes, IngestionId, Similarity, TripGroup};

/// Maximum number of items in a page.
pub(super) const MAX_FIRST: i32 = 1000;

/// A position in one of the lists. It includes the name of the list, so that a list refuses the
/// cursors of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Cursor {
    /// An ingestion, newest first.
    #[serde(rename = "i")]
    Ingestion(IngestionId),
    /// The line of a rejected row.
    #[serde(rename = "r")]
    RejectedRow(u64),
    /// A trip of a group.
    #[serde(rename = "t")]
    Trip(IngestionId, u64),
    /// A trip of a selection: departure in microseconds, ingestion, line.
    #[serde(rename = "d")]
    Departure(i64, IngestionId, u64),
    /// A zone of a set: its number.
    #[serde(rename = "z")]
    Zone(u32),
    /// A pair of zones: origin, destination, trips, trips of the period before.
    #[serde(rename = "p")]
    Pair(Option<u32>, Option<u32>, u64, u64),
    /// A group that is compared: as [`Self::Group`], and the trips of the period before.
    #[serde(rename = "c")]
    Compared(u8, u16, u64, u64, u16, u64, u64),
    /// A group: resolution, minutes per bucket, origin, destination, bucket, trips.
    #[serde(rename = "g")]
    Group(u8, u16, u64, u64, u16, u64),
}

impl CursorType for Cursor {
    type Error = <OpaqueCursor<Self> as CursorType>::Error;

    fn decode_cursor(text: &str) -> Result<Self, Self::Error> {
        OpaqueCursor::<Self>::decode_cursor(text).map(|cursor| cursor.0)
    }

    fn encode_cursor(&self) -> String {
        OpaqueCursor(*self).encode_cursor()
    }
}

/// The error for a cursor that does not belong to this list.
pub(super) fn broken() -> ApiError {
    ApiError::bad_input("`after` is not a cursor of this list")
}

/// Parses the cursor after which a page begins.
pub(super) fn parse(after: Option<&str>) -> Result<Option<Cursor>, ApiError> {
    after
        .map(|text| Cursor::decode_cursor(text).map_err(|_| broken()))
        .transpose()
}

/// Checks the size of a page.
pub(super) fn page_size(first: i32) -> Result<u64, ApiError> {
    u64::try_from(first)
        .ok()
        .filter(|_| first <= MAX_FIRST)
        .ok_or_else(|| {
            ApiError::bad_input(format_args!("`first` is {first}, outside 0–{MAX_FIRST}"))
        })
}

/// The cursor of a group.
pub(super) fn of_group(similarity: Similarity, compared: bool, group: &TripGroup) -> Cursor {
    let resolution = similarity.resolution.get();
    let minutes = similarity.bucket.minutes();
    let (origin, destination) = (group.origin.into(), group.destination.into());
    let (bucket, trips, before) = (group.bucket, group.trips, group.trips_before);
    if compared {
        Cursor::Compared(
            resolution,
            minutes,
            origin,
            destination,
            bucket,
            trips,
            before,
        )
    } else {
        Cursor::Group(resolution, minutes, origin, destination, bucket, trips)
    }
}

/// The cursor of a pair of zones.
pub(super) fn of_pair(pair: &OdPair) -> Cursor {
    Cursor::Pair(pair.origin, pair.destination, pair.trips, pair.trips_before)
}

/// The pair of zones of a cursor.
pub(super) fn to_pair(cursor: Cursor) -> Result<OdPair, ApiError> {
    let Cursor::Pair(origin, destination, trips, trips_before) = cursor else {
        return Err(broken());
    };
    Ok(OdPair {
        origin,
        destination,
        trips,
        trips_before,
    })
}

/// The group of a cursor; an error if the cursor belongs to groups of another similarity.
pub(super) fn to_group(
    similarity: Similarity,
    compared: bool,
    cursor: Cursor,
) -> Result<TripGroup, ApiError> {
    let (resolution, minutes, origin, destination, bucket, trips, trips_before) = match cursor {
        Cursor::Group(resolution, minutes, origin, destination, bucket, trips) if !compared => {
            (resolution, minutes, origin, destination, bucket, trips, 0)
        }
        Cursor::Compared(resolution, minutes, origin, destination, bucket, trips, before)
            if compared =>
        {
            (
                resolution,
                minutes,
                origin,
                destination,
                bucket,
                trips,
                before,
            )
        }
        _ => return Err(broken()),
    };
    if resolution != similarity.resolution.get() || minutes != similarity.bucket.minutes() {
        return Err(ApiError::bad_input(
            "`after` belongs to another resolution or time bucket",
        ));
    }
    let cell = |index: u64| {
        CellIndex::try_from(index)
            .ok()
            .filter(|cell| u8::from(cell.resolution()) == resolution)
            .ok_or_else(broken)
    };
    let buckets = BucketMinutes::SLOTS_PER_DAY * 30 / minutes;
    if bucket >= buckets {
        return Err(broken());
    }
    Ok(TripGroup {
        origin: cell(origin)?,
        destination: cell(destination)?,
        bucket,
        trips,
        trips_before,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geo::Resolution;

    fn similarity(resolution: i32) -> Similarity {
        Similarity {
            resolution: Resolution::new(resolution).unwrap(),
            bucket: BucketMinutes::HOUR,
        }
    }

    #[test]
    fn cursors_come_back_as_they_went() {
        for cursor in [
            Cursor::Ingestion(7),
            Cursor::RejectedRow(3),
            Cursor::Trip(7, u64::MAX),
            Cursor::Departure(-5, 7, 2),
            Cursor::Zone(3),
            Cursor::Pair(None, Some(2), 5, 6),
            Cursor::Compared(7, 60, 1, 2, 3, 4, 5),
        ] {
            assert_eq!(parse(Some(&cursor.encode_cursor())), Ok(Some(cursor)));
        }
    }

    #[test]
    fn broken_cursors_are_refused() {
        for text in ["", "x", "MTI", "e30", "💥", "bnVsbA"] {
            assert_eq!(
                parse(Some(text)).unwrap_err().code(),
                crate::graphql::Code::BadUserInput
            );
        }
    }

    #[test]
    fn groups_are_checked_against_the_question() {
        let cell = CellIndex::try_from(0x0871_e354_2cff_ffff).unwrap();
        let group = TripGroup {
            origin: cell,
            destination: cell,
            bucket: 23,
            trips: 5,
            trips_before: 0,
        };
        let cursor = of_group(similarity(7), false, &group);
        assert_eq!(to_group(similarity(7), false, cursor), Ok(group));
        assert!(to_group(similarity(6), false, cursor).is_err());
        assert!(to_group(similarity(7), false, Cursor::Ingestion(1)).is_err());
        assert!(to_group(similarity(7), false, Cursor::Group(7, 60, 1, 1, 0, 1)).is_err());
        assert!(
            to_group(
                similarity(7),
                false,
                Cursor::Group(7, 60, cell.into(), cell.into(), 24, 1)
            )
            .is_err()
        );
    }

    #[test]
    fn pages_have_a_size() {
        assert_eq!(page_size(0), Ok(0));
        assert_eq!(page_size(1000), Ok(1000));
        assert!(page_size(-1).is_err());
        assert!(page_size(1001).is_err());
    }
}
