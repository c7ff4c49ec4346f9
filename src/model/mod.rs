//! The field's terms as plain types: no database, no GraphQL, no clock.

mod columns;
mod count_unit;
mod counter_codec;
mod counter_key;
mod counters;
mod counters_error;
mod day_counts;
mod extent;
mod flows;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzz;
mod histogram;
mod ingestion;
mod key_filter;
mod local_time;
mod page;
mod patch;
mod patch_part;
mod patch_trip;
mod similarity;
mod summary;
mod trip;
mod trip_end;
mod trip_format;
mod trip_key;
mod varint;
mod week;
mod week_times;
mod zone;

pub use count_unit::{CountUnit, MinTrips};
pub use counter_codec::Entries;
pub use counter_key::{counter_key, split_counter_key};
pub use counters::Counters;
pub use counters_error::CountersError;
pub use day_counts::{DayCounts, PackedDay};
pub use extent::Extent;
pub use flows::{FlowEnd, Flows};
pub use histogram::{FinishedHistograms, Histograms, WeeklyKey, histogram_cell};
pub use ingestion::{
    Failure, Ingestion, IngestionId, IngestionPhase, IngestionState, RejectedRow, Warning,
};
pub use key_filter::{KeyFilter, RowFilter};
pub use local_time::{LocalTime, MICROS_PER_WEEK};
pub use page::Page;
pub use patch::Patch;
pub use patch_part::{CorruptPatch, PatchBytes, PatchDepth, PatchPart};
pub use patch_trip::PatchTrip;
pub use similarity::{BucketMinutes, Similarity, TripGroup};
pub use summary::{PairSummary, Summary};
pub use trip::{Area, Selection, Trip};
pub use trip_end::{TripEnd, TripEndRule};
pub use trip_format::{Findings, RecognisedFormat, RejectedReason, TripFormat};
pub use trip_key::{MAX_DIMENSION_ID, TripKey};
pub use week::Week;
pub use week_times::{DayRange, DayRangeError, WeekTimes};
pub use zone::{Zone, ZoneError, ZoneProperties, ZoneSet};
