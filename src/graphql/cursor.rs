//! Cursors: opaque to clients, validated when a client sends them back.

use async_graphql::connection::{CursorType, OpaqueCursor};
use h3o::CellIndex;
use serde::{Deserialize, Serialize};

use super::ApiError;
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
pub(super) fn of_group(similarity: Similarity, group: &TripGroup) -> Cursor {
    Cursor::Group(
        similarity.resolution.get(),
        similarity.bucket.minutes(),
        group.origin.into(),
        group.destination.into(),
        group.bucket,
        group.trips,
    )
}

/// The group of a cursor; an error if the cursor belongs to groups of another similarity.
pub(super) fn to_group(similarity: Similarity, cursor: Cursor) -> Result<TripGroup, ApiError> {
    let Cursor::Group(resolution, minutes, origin, destination, bucket, trips) = cursor else {
        return Err(broken());
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
        };
        let cursor = of_group(similarity(7), &group);
        assert_eq!(to_group(similarity(7), cursor), Ok(group));
        assert!(to_group(similarity(6), cursor).is_err());
        assert!(to_group(similarity(7), Cursor::Ingestion(1)).is_err());
        assert!(to_group(similarity(7), Cursor::Group(7, 60, 1, 1, 0, 1)).is_err());
        assert!(
            to_group(
                similarity(7),
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
