//! Whole files, good and bad.

mod broken;
mod files;
mod oracle;
mod quotes;
mod references;
mod rows;

use std::io::Cursor;

use super::oracle::HEADER;
use super::*;

const ROW: &str = "Prague,POINT (14.4 50.0),POINT (14.5 50.1),2018-05-28 09:03:40,funny_car";

/// A trip that was read (line, region) or a rejection.
type Outcome = Result<(u64, String), Rejection>;

fn open(file: impl AsRef<[u8]>) -> Result<RecordReader<Cursor<Vec<u8>>>, OpenError> {
    RecordReader::open(Cursor::new(file.as_ref().to_vec()))
}

/// Reads the rest of the file in chunks of a few records.
fn outcomes<R: std::io::Read + std::io::Seek>(reader: &mut RecordReader<R>) -> Vec<Outcome> {
    let header = reader.header().clone();
    let mut chunk = RecordChunk::new();
    let mut outcomes = Vec::new();
    while reader.fill(&mut chunk, 3).unwrap() {
        assert_eq!(chunk.end(), Some(reader.position()));
        outcomes.extend(chunk.iter().map(|record| {
            header
                .parse(record)
                .map(|trip| (trip.line, trip.region.into_owned()))
        }));
    }
    assert!(chunk.is_empty());
    outcomes
}

/// Reads a file of these rows behind the usual header.
fn rows(rows: impl AsRef<[u8]>) -> Vec<Outcome> {
    let file = [HEADER.as_bytes(), rows.as_ref()].concat();
    let mut reader = open(&file).unwrap();
    let outcomes = outcomes(&mut reader);
    assert_eq!(reader.bytes_read(), file.len() as u64);
    outcomes
}

/// The only row's rejection: column and reason.
fn rejection(row: impl AsRef<[u8]>) -> (Option<&'static str>, String) {
    let mut outcomes = rows(row);
    assert_eq!(outcomes.len(), 1);
    let rejection = outcomes.remove(0).unwrap_err();
    assert_eq!(rejection.line, 2);
    let names = [
        "region",
        "origin_coord",
        "destination_coord",
        "datetime",
        "datasource",
    ];
    let column = rejection
        .column
        .map(|column| *names.iter().find(|name| **name == column).unwrap());
    (column, rejection.reason)
}

/// Lines of the good rows.
fn good(outcomes: &[Outcome]) -> Vec<u64> {
    outcomes
        .iter()
        .filter_map(|outcome| outcome.as_ref().ok())
        .map(|(line, _)| *line)
        .collect()
}

/// Lines of the rejected rows.
fn bad(outcomes: &[Outcome]) -> Vec<u64> {
    outcomes
        .iter()
        .filter_map(|outcome| outcome.as_ref().err())
        .map(|row| row.line)
        .collect()
}
