//! Sources: the tables of a file, decompressed where the file is.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::iter;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::archive::Archive;
use super::content::Content;
use super::error::PipelineError;
use super::packing::{Packing, UnpackError};
#[cfg(feature = "parquet")]
use super::parquet::ParquetTable;
use super::stream::Compressed;
use super::unpack::Unpacked;
use crate::ingest::parse::FileOptions;
use crate::ingest::stop::Stop;
use crate::store::Head;

/// The bytes of a table, which may be read from its beginning again.
pub(super) trait Source: Read + Seek + Send {
    /// What was read of the file: at least the bytes that [`stored`](Self::stored) counts.
    fn head(&self) -> Head;

    /// Bytes of the file up to an offset of the table, which was read.
    fn stored(&self, offset: u64) -> u64 {
        offset
    }
}

/// One table of a file.
pub(super) struct NamedSource<S> {
    /// Its name in the archive, if the file is one.
    pub(super) name: Option<String>,
    pub(super) source: S,
}

/// An ingestion's file. The threads that read it share it.
#[derive(Clone)]
pub(super) struct SharedContent(Arc<Mutex<Content>>);

impl SharedContent {
    pub(super) fn new(content: Content) -> Self {
        Self(Arc::new(Mutex::new(content)))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Content> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How the file is packed.
    pub(super) fn packing(&self) -> Result<Packing, PipelineError> {
        let mut first = Vec::new();
        let mut content = self.lock();
        let read = Read::by_ref(&mut *content)
            .take(Packing::MAGIC_BYTES)
            .read_to_end(&mut first)
            .and_then(|_| content.rewind());
        read.map_err(PipelineError::reading)?;
        Ok(Packing::of(&first))
    }
}

impl Read for SharedContent {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.lock().read(buffer)
    }
}

impl Seek for SharedContent {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.lock().seek(to)
    }
}

/// The bytes of a table: those of the file, or what they decompress to.
pub(super) enum TableSource {
    Stored(SharedContent),
    Unpacked(Unpacked),
}

/// The tables of a file in their order.
pub(super) type Tables =
    Box<dyn Iterator<Item = Result<NamedSource<TableSource>, PipelineError>> + Send>;

/// The tables of a file that is packed in this way, and is read with these options. `path` is that of
/// the file.
pub(super) fn tables(
    content: &SharedContent,
    packing: Packing,
    path: &Path,
    options: &FileOptions,
    stop: &Arc<Stop>,
) -> Result<Tables, PipelineError> {
    let one = |source| iter::once(Ok(NamedSource { name: None, source }));
    let bytes = content.lock().size();
    Ok(match packing {
        Packing::None => Box::new(one(TableSource::Stored(content.clone()))),
        Packing::Gzip | Packing::Zstandard => {
            let packed = Compressed::new(content.clone(), packing, bytes, options.is_beginning());
            let unpacked = Unpacked::new(Arc::new(packed), Arc::clone(stop));
            Box::new(one(TableSource::Unpacked(unpacked)))
        }
        Packing::Zip => {
            // An archive is read in any order, its end first, and hashed afterwards.
            let file = File::open(path).map_err(PipelineError::Read)?;
            let members = Archive::open(file, bytes)?.members()?;
            let stop = Arc::clone(stop);
            Box::new(members.map(move |member| {
                Ok(NamedSource {
                    name: Some(member.name().to_owned()),
                    source: TableSource::Unpacked(Unpacked::new(
                        Arc::new(member),
                        Arc::clone(&stop),
                    )),
                })
            }))
        }
        #[cfg(feature = "parquet")]
        Packing::Parquet => {
            let file = File::open(path).map_err(PipelineError::Read)?;
            let table = ParquetTable::open(file, bytes, options)?;
            let text = Unpacked::new(Arc::new(table), Arc::clone(stop));
            Box::new(one(TableSource::Unpacked(text)))
        }
        #[cfg(not(feature = "parquet"))]
        Packing::Parquet => {
            let _ = options;
            return Err(UnpackError::NoParquet.into());
        }
        Packing::Unknown(name) => return Err(UnpackError::Unsupported(name).into()),
    })
}

impl Read for TableSource {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Stored(content) => content.read(buffer),
            Self::Unpacked(unpacked) => unpacked.read(buffer),
        }
    }
}

impl Seek for TableSource {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::Stored(content) => content.seek(to),
            Self::Unpacked(unpacked) => unpacked.seek(to),
        }
    }
}

impl Source for TableSource {
    fn head(&self) -> Head {
        match self {
            Self::Stored(content) => content.lock().head(),
            Self::Unpacked(unpacked) => unpacked.head(),
        }
    }

    fn stored(&self, offset: u64) -> u64 {
        match self {
            Self::Stored(_) => offset,
            Self::Unpacked(unpacked) => unpacked.stored(),
        }
    }
}
