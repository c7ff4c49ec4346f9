//! The content of a file, hashed while it is read.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use blake3::{Hash, Hasher};

use super::error::{PipelineError, ReadError};
use crate::ingest::stop::Stop;
use crate::store::{Head, IngestionRecord};

/// Bytes that are read at a time where they are only hashed.
const PASS_BYTES: usize = 1 << 18;

/// An ingestion's file, hashed while it is read: what is parsed is known to be what was put in the
/// queue, without a second pass.
///
/// The hash is always that of all bytes before the position. A seek therefore reads what it passes
/// over.
pub(super) struct Content {
    file: File,
    bytes: u64,
    hasher: Hasher,
    expected: Expected,
    /// What an earlier run had read when it reached the checkpoint. Its trips are in the database.
    head: Head,
    /// Whether the head is not what the earlier run had read.
    head_differs: bool,
    stop: Arc<Stop>,
}

/// What the file was when it was put in the queue.
#[derive(Debug, Clone, Default)]
pub(super) struct Expected {
    bytes: Option<u64>,
    /// BLAKE3, hexadecimal.
    hash: Option<String>,
    /// Whether the file is an upload in the spool, not a file that is read in place.
    spooled: bool,
}

impl Expected {
    /// What an ingestion's record says.
    pub(super) fn of(record: &IngestionRecord) -> Self {
        Self {
            bytes: record.ingestion.bytes_total,
            hash: record.ingestion.content_hash.clone(),
            spooled: record.spooled,
        }
    }
}

impl Content {
    /// Opens the file, which must have its expected size; `head` is what an earlier run has read.
    pub(super) fn open(
        path: &Path,
        expected: Expected,
        head: Head,
        stop: Arc<Stop>,
    ) -> Result<Self, PipelineError> {
        let file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && !expected.spooled => {
                return Err(PipelineError::Changed);
            }
            opened => opened.map_err(|source| PipelineError::Missing {
                path: path
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned(),
                source,
            })?,
        };
        let bytes = file.metadata().map_err(PipelineError::Read)?.len();
        let content = Self {
            file,
            bytes,
            hasher: Hasher::new(),
            expected,
            head,
            head_differs: false,
            stop,
        };
        match content.expected.bytes {
            Some(expected) if expected != bytes => Err(content.altered()),
            _ => Ok(content),
        }
    }

    /// Size of the file.
    pub(super) const fn size(&self) -> u64 {
        self.bytes
    }

    /// What was read so far.
    pub(super) fn head(&self) -> Head {
        Head {
            bytes: self.hasher.count(),
            hash: *self.hasher.finalize().as_bytes(),
        }
    }

    /// Reads the rest, and fails unless every byte is as it was when the file was put in the queue.
    pub(super) fn verify(&mut self) -> Result<(), PipelineError> {
        self.pass(u64::MAX).map_err(PipelineError::reading)?;
        let hash = self.hasher.finalize();
        let expected = self.expected.hash.as_deref();
        // A hash that cannot be read is none that the file could have.
        let same = expected.is_none_or(|hex| Hash::from_hex(hex).is_ok_and(|known| known == hash));
        if same && !self.head_differs {
            Ok(())
        } else {
            Err(self.altered())
        }
    }

    /// Its bytes are not those that were put in the queue.
    const fn altered(&self) -> PipelineError {
        if self.expected.spooled {
            PipelineError::Damaged
        } else {
            PipelineError::Changed
        }
    }

    /// Reads up to a position, or the end of the file. Fails where the ingestion is to stop: that
    /// may be long.
    fn pass(&mut self, to: u64) -> io::Result<()> {
        let mut buffer = vec![0; PASS_BYTES];
        while self.hasher.count() < to {
            let left = usize::try_from(to - self.hasher.count()).unwrap_or(PASS_BYTES);
            match self.read(&mut buffer[..left.min(PASS_BYTES)]) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            if let Some(reason) = self.stop.reason() {
                return Err(ReadError::Stopped(reason).into());
            }
        }
        Ok(())
    }
}

impl Read for Content {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // A read ends where the head does, so that the head's hash is seen.
        let left = self.head.bytes.saturating_sub(self.hasher.count());
        let most = match usize::try_from(left) {
            Ok(left) if left > 0 => left.min(buffer.len()),
            _ => buffer.len(),
        };
        let bytes = self.file.read(&mut buffer[..most])?;
        self.hasher.update(&buffer[..bytes]);
        if bytes > 0 && self.hasher.count() == self.head.bytes {
            self.head_differs = self.head() != self.head;
        }
        Ok(bytes)
    }
}

impl Seek for Content {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let before = self.hasher.count();
        let to = self.file.seek(to)?;
        if to < before {
            self.file.rewind()?;
            self.hasher.reset();
        } else {
            self.file.seek(SeekFrom::Start(before))?;
        }
        self.pass(to)?;
        Ok(to)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// A file and what is expected of it.
    fn file(bytes: &[u8]) -> (tempfile::NamedTempFile, Expected) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let expected = Expected {
            bytes: Some(bytes.len() as u64),
            hash: Some(blake3::hash(bytes).to_hex().to_string()),
            spooled: true,
        };
        (file, expected)
    }

    fn sample() -> Vec<u8> {
        (0..2_000_000_u32)
            .map(|index| (index % 251) as u8)
            .collect()
    }

    #[test]
    fn what_was_read_is_hashed_whatever_the_way() {
        let bytes = sample();
        let (file, expected) = file(&bytes);
        let open = || {
            let stop = Arc::new(Stop::default());
            Content::open(file.path(), expected.clone(), Head::default(), stop).unwrap()
        };
        open().verify().unwrap();
        for jumps in [&[1_999_999, 5, 700_000][..], &[0, 2_000_000], &[3, 3, 2]] {
            let mut content = open();
            for &to in jumps {
                assert_eq!(content.seek(SeekFrom::Start(to)).unwrap(), to);
                let upto = usize::try_from(to).unwrap();
                assert_eq!(
                    content.head().hash,
                    *blake3::hash(&bytes[..upto]).as_bytes()
                );
                let mut some = [0; 100];
                let read = content.read(&mut some).unwrap();
                assert_eq!(some[..read], bytes[upto..upto + read]);
            }
            content.verify().unwrap();
        }
    }

    #[test]
    fn any_other_byte_is_seen() {
        let bytes = sample();
        let (file, expected) = file(&bytes);
        let open = |expected: &Expected, head| {
            let stop = Arc::new(Stop::default());
            Content::open(file.path(), expected.clone(), head, stop)
        };
        let verify = |expected: &Expected, head| open(expected, head)?.verify();
        for index in [0, 1_000_000, 1_999_999] {
            let mut other = bytes.clone();
            other[index] ^= 1;
            std::fs::write(file.path(), &other).unwrap();
            let seen = verify(&expected, Head::default());
            assert!(matches!(seen, Err(PipelineError::Damaged)), "{index}");
            let in_place = Expected {
                spooled: false,
                ..expected.clone()
            };
            let seen = verify(&in_place, Head::default());
            assert!(matches!(seen, Err(PipelineError::Changed)), "{index}");
        }
        for len in [0, 1_999_999, 2_000_001] {
            let mut other = bytes.clone();
            other.resize(len, 0);
            std::fs::write(file.path(), &other).unwrap();
            let seen = open(&expected, Head::default());
            assert!(matches!(seen, Err(PipelineError::Damaged)), "{len}");
        }
    }

    #[test]
    fn a_head_that_was_other_bytes_when_it_was_parsed_is_seen() {
        let bytes = sample();
        let (file, expected) = file(&bytes);
        for at in [1, 1_048_576, 2_000_000] {
            let mut head = Head {
                bytes: at,
                hash: *blake3::hash(&bytes[..usize::try_from(at).unwrap()]).as_bytes(),
            };
            let verify = |head| {
                let stop = Arc::new(Stop::default());
                let mut content = Content::open(file.path(), expected.clone(), head, stop)?;
                content.seek(SeekFrom::Start(at / 2)).unwrap();
                content.verify()
            };
            verify(head).unwrap();
            head.hash[0] ^= 1;
            assert!(matches!(verify(head), Err(PipelineError::Damaged)));
        }
    }
}
