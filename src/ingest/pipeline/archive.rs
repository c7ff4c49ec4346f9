//! Archives: the tables of a zip file, one after the other.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use zip::ZipArchive;
use zip::result::ZipError;

use super::error::{PipelineError, ReadError};
use super::expansion::Expansion;
use super::packing::{Packing, UnpackError};
use super::unpack::{Blocks, Packed};
use crate::store::Head;

/// Bytes of an archive that are read to learn what it contains: about 200,000 names.
const DIRECTORY_BYTES: u64 = 16 << 20;
/// Endings of the names of tables, in lower case.
const TABLE_ENDINGS: [&str; 3] = [".csv", ".tsv", ".tab"];
/// Maximum number of characters of a member's name in messages.
const NAME_CHARS: usize = 100;

/// A zip file, open.
pub(super) struct Archive {
    zip: ZipArchive<BufReader<MeteredFile>>,
    meter: Arc<FileMeter>,
    expansion: Arc<Expansion>,
}

/// A table of an archive.
pub(super) struct Member {
    zip: Arc<Mutex<ZipArchive<BufReader<MeteredFile>>>>,
    index: usize,
    name: String,
    meter: Arc<FileMeter>,
    expansion: Arc<Expansion>,
}

impl Archive {
    /// Opens a file of that size, and reads what it contains.
    pub(super) fn open(file: File, bytes: u64) -> Result<Self, PipelineError> {
        let meter = Arc::new(FileMeter {
            left: AtomicU64::new(DIRECTORY_BYTES),
            ..FileMeter::default()
        });
        let file = MeteredFile {
            file,
            meter: Arc::clone(&meter),
        };
        let zip = ZipArchive::new(BufReader::new(file))
            .map_err(|error| PipelineError::reading(meter.explain("", error)))?;
        // What follows is read as a stream.
        meter.left.store(u64::MAX, Ordering::Relaxed);
        Ok(Self {
            zip,
            meter,
            expansion: Arc::new(Expansion::new(bytes)),
        })
    }

    /// Its tables, in the order in which it lists them: at least one.
    pub(super) fn members(self) -> Result<impl Iterator<Item = Member> + Send, UnpackError> {
        let Self {
            zip,
            meter,
            expansion,
        } = self;
        let name = |index| match zip.name_for_index(index) {
            Some(Ok(name)) => name.into_owned(),
            _ => String::new(),
        };
        let names: Vec<_> = (0..zip.len()).map(|index| (index, name(index))).collect();
        let tables = tables(&names)?;
        let zip = Arc::new(Mutex::new(zip));
        Ok(tables.into_iter().map(move |(index, name)| Member {
            zip: Arc::clone(&zip),
            index,
            name: name.chars().take(NAME_CHARS).collect(),
            meter: Arc::clone(&meter),
            expansion: Arc::clone(&expansion),
        }))
    }
}

/// The files of an archive that are tables: those whose names say so, or the only file that it has.
fn tables(names: &[(usize, String)]) -> Result<Vec<(usize, String)>, UnpackError> {
    let has = |wanted: &str| names.iter().any(|(_, name)| name == wanted);
    if has("[Content_Types].xml") && has("xl/workbook.xml") || has("mimetype") && has("content.xml")
    {
        return Err(UnpackError::Spreadsheet);
    }
    let files: Vec<_> = names.iter().filter(|(_, name)| is_file(name)).collect();
    let is_table = |name: &str| {
        let name = name.to_ascii_lowercase();
        TABLE_ENDINGS.iter().any(|ending| name.ends_with(ending))
    };
    let tables: Vec<_> = files
        .iter()
        .filter(|(_, name)| is_table(name))
        .map(|table| (*table).clone())
        .collect();
    match (&tables[..], &files[..]) {
        ([], [only]) => Ok(vec![(*only).clone()]),
        ([], files) => Err(UnpackError::NoTable { files: files.len() }),
        _ => Ok(tables),
    }
}

/// Whether a name is that of a file, not of a folder, a hidden file or what macOS adds.
fn is_file(name: &str) -> bool {
    let is_hidden = |part: &str| part.starts_with('.') || part == "__MACOSX";
    !name.is_empty() && !name.ends_with(['/', '\\']) && !name.split(['/', '\\']).any(is_hidden)
}

impl Member {
    /// Its name in the archive.
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

impl Packed for Member {
    fn unpack(&self, blocks: &Blocks) -> io::Result<()> {
        let mut zip = self.zip.lock().unwrap_or_else(PoisonError::into_inner);
        let explain = |error| self.meter.explain(&self.name, error);
        let member = zip.by_index(self.index).map_err(explain)?;
        let sent = blocks.send_all(member, |len| {
            self.expansion.add(len)?;
            Ok((self.meter.position(), Head::default()))
        });
        sent.map_err(|error| explain(error.into()))
    }
}

/// A file of which others see how far it is read.
struct MeteredFile {
    file: File,
    meter: Arc<FileMeter>,
}

/// How far a file is read.
#[derive(Debug, Default)]
struct FileMeter {
    position: AtomicU64,
    /// Bytes that may still be read.
    left: AtomicU64,
    failed: AtomicBool,
}

impl FileMeter {
    fn position(&self) -> u64 {
        self.position.load(Ordering::Relaxed)
    }

    /// An error of the archive's decoder in a file of that name, or of the disk.
    fn explain(&self, name: &str, error: ZipError) -> io::Error {
        let name = name.to_owned();
        let error = match error {
            // Where a file's bytes are read, its own errors are inside of others.
            ZipError::Io(error) => error.downcast().unwrap_or_else(ZipError::Io),
            error => error,
        };
        let unpack = match error {
            ZipError::Io(error)
                if self.failed.load(Ordering::Relaxed) || ReadError::is_in(&error) =>
            {
                return error;
            }
            ZipError::Io(error) => UnpackError::of_decoder(Packing::Zip, &error),
            ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED)
            | ZipError::InvalidPassword => UnpackError::Encrypted { name },
            // Where its end is missing, so is the list of what it contains.
            ZipError::InvalidArchive(reason) if reason.contains("EOCD") => {
                UnpackError::Truncated(Packing::Zip.name())
            }
            error @ (ZipError::UnsupportedArchive(_)
            | ZipError::CompressionMethodNotSupported(_)) => UnpackError::Method {
                name,
                reason: error.to_string(),
            },
            error => UnpackError::Corrupt {
                format: Packing::Zip.name(),
                reason: error.to_string(),
            },
        };
        ReadError::Unpack(unpack).into()
    }
}

impl Read for MeteredFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer);
        match &read {
            Ok(bytes) => {
                let bytes = *bytes as u64;
                self.meter.position.fetch_add(bytes, Ordering::Relaxed);
                if self.meter.left.fetch_sub(bytes, Ordering::Relaxed) < bytes {
                    return Err(ReadError::Unpack(UnpackError::TooManyFiles).into());
                }
            }
            Err(_) => self.meter.failed.store(true, Ordering::Relaxed),
        }
        read
    }
}

impl Seek for MeteredFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = self.file.seek(to);
        match &position {
            Ok(position) => self.meter.position.store(*position, Ordering::Relaxed),
            Err(_) => self.meter.failed.store(true, Ordering::Relaxed),
        }
        position
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables_of(names: &[&str]) -> Result<Vec<String>, UnpackError> {
        let names: Vec<_> = names.iter().map(ToString::to_string).enumerate().collect();
        Ok(tables(&names)?.into_iter().map(|(_, name)| name).collect())
    }

    #[test]
    fn tables_are_found_by_their_names() {
        let names = [
            "2019/",
            "2019/05.csv",
            "README.txt",
            "__MACOSX/2019/._05.csv",
            ".hidden.csv",
            "2019/.git/x.csv",
            "2019\\06.CSV",
            "zones.tsv",
            "trips.tab",
            "trips.csv.png",
        ];
        let tables = ["2019/05.csv", "2019\\06.CSV", "zones.tsv", "trips.tab"];
        assert_eq!(tables_of(&names).unwrap(), tables);
        assert_eq!(tables_of(&["data/", "data/trips"]).unwrap(), ["data/trips"]);
        for (names, files) in [(&[][..], 0), (&["a/"], 0), (&["a.txt", "b.pdf"], 2)] {
            let error = tables_of(names).unwrap_err();
            assert_eq!(error, UnpackError::NoTable { files });
        }
        let workbook = ["[Content_Types].xml", "xl/workbook.xml", "xl/x.csv"];
        assert_eq!(tables_of(&workbook), Err(UnpackError::Spreadsheet));
    }
}
