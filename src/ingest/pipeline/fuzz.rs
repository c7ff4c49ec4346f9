//! Properties of whole files that hold for any bytes.
#![expect(
    clippy::unwrap_used,
    reason = "for tests only: a temporary file can be written"
)]

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::inspect::inspect;
use super::inspection::Inspection;
use crate::ingest::parse::FileOptions;
use crate::model::Failure;

/// A file of any kind fails with a code and a message, or its rows are counted: each is a trip or is
/// rejected for a reason. A table that is compressed is read as the table.
pub(crate) fn files(data: &[u8]) {
    let inspected = inspection(data);
    match &inspected {
        Ok(found) => {
            assert_eq!(found.rows_read, found.rows_ingested + found.rows_rejected);
            let rejected: u64 = found
                .rejected_reasons
                .iter()
                .map(|reason| reason.rows)
                .sum();
            assert_eq!(rejected, found.rows_rejected);
            assert_eq!(found.trips.len() as u64, found.rows_ingested.min(5));
            assert_eq!(found.extent.is_some(), found.rows_ingested > 0);
            assert!(!found.columns.is_empty());
        }
        Err(failure) => {
            assert!(!failure.code.is_empty() && !failure.message.is_empty());
            assert_ne!(failure.code, "INTERNAL", "{failure:?}");
        }
    }
    // What is packed is not unpacked twice.
    let packed: [&[u8]; 4] = [b"PK", b"PAR1", b"\x1f\x8b", b"\x28\xb5\x2f\xfd"];
    if inspected.is_ok() && !packed.iter().any(|start| data.starts_with(start)) {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(data).unwrap();
        assert_eq!(inspection(&packed.finish().unwrap()), inspected);
    }
}

fn inspection(data: &[u8]) -> Result<Inspection, Failure> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(data).unwrap();
    inspect(file.path(), &FileOptions::default(), u64::MAX).outcome
}
