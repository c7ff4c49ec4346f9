//! Formats that were given with files, and findings about files, as they are stored.

use super::Error;
use crate::model::{Findings, TripFormat};

/// Findings as they are stored.
pub(super) fn stored(findings: &Findings) -> String {
    // The serialisation of texts and numbers cannot fail. PostgreSQL has no NUL.
    serde_json::to_string(findings)
        .unwrap_or_default()
        .replace("\\u0000", "\u{fffd}")
}

/// Findings as they were stored.
pub(super) fn parse(stored: &str) -> Result<Findings, Error> {
    serde_json::from_str(stored).map_err(|_| Error::Corrupt("list of findings"))
}

/// A format as it is stored.
pub(super) fn stored_format(format: &TripFormat) -> String {
    serde_json::to_string(format).unwrap_or_default()
}

/// A format as it was stored.
pub(super) fn parse_format(stored: &str) -> Result<TripFormat, Error> {
    serde_json::from_str(stored).map_err(|_| Error::Corrupt("format of a file"))
}
