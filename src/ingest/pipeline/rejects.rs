//! Rejected rows as a file: all of them, in the file's own columns and with its delimiter, with line,
//! column and reason.
//!
//! The rows are synced before the checkpoint that counts them is written. So a run that continues
//! from a checkpoint finds all rows before it, and cuts off those that come after it, to write them
//! again.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use super::error::PipelineError;
use super::split::Table;
use crate::ingest::parse::{Record, Rejection};
use crate::store::Checkpoint;

/// What the columns of the file come after.
const COLUMNS: [&str; 3] = ["line", "column", "reason"];
const BUFFER_BYTES: usize = 1 << 18;

/// Rejected rows as CSV.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct RejectedText {
    bytes: Vec<u8>,
    /// Where each row ends.
    ends: Vec<usize>,
}

impl RejectedText {
    /// Adds a row of a table.
    pub(super) fn add(&mut self, record: Record<'_>, rejection: &Rejection, table: &Table) {
        let columns = table.reported.columns.len().max(1);
        let own = table.header.names() == &table.reported.columns[..];
        let cells = own.then(|| table.header.cells(record)).flatten();
        // A row that does not fit the columns is whole in the first of them.
        let cells = cells.unwrap_or_else(|| vec![Cow::Borrowed(record.bytes())]);
        let line = rejection.line.to_string();
        let column = rejection.column.as_deref().unwrap_or_default();
        let reason = table.reason(rejection);
        let about = [line.as_bytes(), column.as_bytes(), reason.as_bytes()];
        let cells = cells.iter().map(|cell| &**cell);
        let cells = cells.chain(std::iter::repeat(&b""[..])).take(columns);
        let cells = about.into_iter().chain(cells);
        push(&mut self.bytes, table.reported.delimiter, cells);
        self.ends.push(self.bytes.len());
    }

    /// The first rows.
    fn first(&self, rows: usize) -> &[u8] {
        let end = rows.checked_sub(1).and_then(|last| self.ends.get(last));
        &self.bytes[..end.copied().unwrap_or(0)]
    }
}

/// Adds a row of CSV.
fn push<'a>(out: &mut Vec<u8>, delimiter: u8, fields: impl Iterator<Item = &'a [u8]>) {
    let mut writer = csv::WriterBuilder::new()
        .delimiter(delimiter)
        .buffer_capacity(1 << 10)
        .from_writer(out);
    // Writing to memory cannot fail.
    let _ = writer.write_record(fields);
}

/// The file of an ingestion's rejected rows; there is none until there is a row.
#[derive(Debug)]
pub(super) struct RejectedFile {
    path: PathBuf,
    file: Option<BufWriter<File>>,
    /// Whether rows were written since the last sync.
    is_dirty: bool,
}

impl RejectedFile {
    /// Continues at a checkpoint: rows after it are left out. The file is a new one, so that a worker that
    /// was given up, but still runs, writes to the old one.
    pub(super) fn resumed(path: PathBuf, checkpoint: &Checkpoint) -> io::Result<Self> {
        let old = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            opened => Some(opened?),
        };
        let end = match &old {
            Some(old) if checkpoint.batches > 0 => end_before(old, checkpoint.next_line)?,
            _ => 0,
        };
        let file = match old {
            Some(mut old) if end > 0 => {
                old.rewind()?;
                let new_path = path.with_extension("new");
                let mut new = File::create(&new_path)?;
                io::copy(&mut old.take(end), &mut new)?;
                new.sync_data()?;
                fs::rename(&new_path, &path)?;
                Some(BufWriter::with_capacity(BUFFER_BYTES, new))
            }
            Some(_) => {
                fs::remove_file(&path)?;
                None
            }
            None => None,
        };
        Ok(Self {
            path,
            file,
            is_dirty: false,
        })
    }

    /// Adds the first rows of a text.
    pub(super) fn add(
        &mut self,
        text: &RejectedText,
        rows: u64,
        table: &Table,
    ) -> Result<(), PipelineError> {
        let rows = text.first(usize::try_from(rows).unwrap_or(usize::MAX));
        if rows.is_empty() {
            return Ok(());
        }
        self.write(rows, table).map_err(PipelineError::Rejects)
    }

    fn write(&mut self, rows: &[u8], table: &Table) -> io::Result<()> {
        self.is_dirty = true;
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                let file = File::create(&self.path)?;
                let file = none.insert(BufWriter::with_capacity(BUFFER_BYTES, file));
                let mut header = Vec::new();
                let own = table.reported.columns.iter().map(String::as_bytes);
                let names = COLUMNS.map(str::as_bytes).into_iter().chain(own);
                // A file without columns has no rows.
                push(&mut header, table.reported.delimiter, names);
                file.write_all(&header)?;
                file
            }
        };
        file.write_all(rows)
    }

    /// Writes to the disk what was added.
    pub(super) fn sync(&mut self) -> Result<(), PipelineError> {
        let Some(file) = self.file.as_mut().filter(|_| self.is_dirty) else {
            return Ok(());
        };
        let synced = file.flush().and_then(|()| file.get_ref().sync_data());
        self.is_dirty = false;
        synced.map_err(PipelineError::Rejects)
    }
}

/// Where the rows end whose lines are before that one. A row that was not written whole ends them, too.
fn end_before(mut file: &File, line: u64) -> io::Result<u64> {
    let bytes = file.metadata()?.len();
    let mut last = [0];
    if bytes > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    }
    // The first column's name comes before the first delimiter.
    let mut start = Vec::new();
    file.rewind()?;
    file.take(COLUMNS[0].len() as u64 + 1)
        .read_to_end(&mut start)?;
    let delimiter = start.get(COLUMNS[0].len()).copied().unwrap_or(b',');
    file.rewind()?;
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .delimiter(delimiter)
        .flexible(true)
        .from_reader(BufReader::with_capacity(BUFFER_BYTES, file));
    let mut record = csv::ByteRecord::new();
    let (mut columns, mut start) = (None, 0);
    while reader.read_byte_record(&mut record)? {
        let end = reader.position().byte();
        let is_whole = end < bytes || last == *b"\n";
        let is_before = match columns {
            None => {
                columns = Some(record.len());
                true
            }
            Some(columns) => {
                let number = str::from_utf8(&record[0]).ok();
                let number = number.and_then(|text| text.parse::<u64>().ok());
                record.len() == columns && number.is_some_and(|number| number < line)
            }
        };
        if !(is_whole && is_before) {
            break;
        }
        start = end;
    }
    Ok(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_after_a_checkpoint_and_torn_ones_are_cut_off() {
        for delimiter in [",", ";", "\t", "|"] {
            let text = |text: &str| text.replace(',', delimiter);
            let whole = text("line,column,reason,a,b\n2,a,empty,,x\n5,,\"two\nlines\",\"y\n\",z\n");
            let more = text("9,a,empty,,\"torn\n");
            let place = |part: &str| whole.find(&text(part)).unwrap();
            let file = format!("{whole}{more}");
            for (len, line, expected) in [
                (file.len(), 9, whole.len()),
                (file.len(), 6, whole.len()),
                (file.len(), 5, place("5,,")),
                (file.len(), 2, place("2,a")),
                (whole.len(), 100, whole.len()),
                // Torn anywhere.
                (whole.len() + 1, 100, whole.len()),
                (whole.len() + 4, 100, whole.len()),
                (whole.len() - 1, 100, place("5,,")),
                (whole.len() - 4, 100, place("5,,")),
                (3, 100, 0),
                (0, 100, 0),
            ] {
                let mut stored = tempfile::tempfile().unwrap();
                stored.write_all(&file.as_bytes()[..len]).unwrap();
                let end = end_before(&stored, line).unwrap();
                assert_eq!(end, expected as u64, "{len} {line} {delimiter:?}");
            }
        }
    }
}
