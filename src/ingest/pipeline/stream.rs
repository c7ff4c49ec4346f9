//! Compressed streams: files that are one gzip or Zstandard stream.

use std::io::{self, BufRead, BufReader, Read, Seek};

use flate2::bufread::GzDecoder;
use zstd::stream::read::Decoder as ZstdDecoder;

use super::error::ReadError;
use super::expansion::Expansion;
use super::packing::{Packing, UnpackError};
use super::source::SharedContent;
use super::unpack::{Blocks, Packed};

/// Compressed bytes that are read at a time.
const BUFFER_BYTES: usize = 1 << 17;

/// A file that is one compressed stream.
pub(super) struct Compressed {
    content: SharedContent,
    packing: Packing,
    /// Size of the file.
    bytes: u64,
    /// Whether only its beginning is there.
    is_beginning: bool,
}

impl Compressed {
    /// A file of `bytes` bytes, packed as `packing` says, or the beginning of one.
    pub(super) const fn new(
        content: SharedContent,
        packing: Packing,
        bytes: u64,
        is_beginning: bool,
    ) -> Self {
        Self {
            content,
            packing,
            bytes,
            is_beginning,
        }
    }

    fn send(&self, decoder: impl Read, blocks: &Blocks) -> io::Result<()> {
        let expansion = Expansion::new(self.bytes);
        blocks.send_all(decoder, |len| {
            expansion.add(len)?;
            let head = self.content.lock().head();
            Ok((head.bytes, head))
        })
    }
}

impl Packed for Compressed {
    fn unpack(&self, blocks: &Blocks) -> io::Result<()> {
        let mut content = Watched::new(self.content.clone());
        content.source.rewind()?;
        let mut buffered = BufReader::with_capacity(BUFFER_BYTES, &mut content);
        let sent = match self.packing {
            Packing::Zstandard => ZstdDecoder::with_buffer(&mut buffered)
                .and_then(|decoder| self.send(decoder, blocks)),
            _ => self.send(GzipMembers::new(&mut buffered), blocks),
        };
        match sent.map_err(|error| content.explain(self.packing, error)) {
            Err(error) if self.is_beginning && ReadError::is_of_end(&error) => Ok(()),
            sent => sent,
        }
    }
}

/// The members of a gzip file, one after the other. Zeros may follow them: copies from tapes and of
/// blocks are padded with these.
struct GzipMembers<R> {
    /// The one that is read; nothing after the last.
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> GzipMembers<R> {
    fn new(source: R) -> Self {
        Self {
            member: Some(GzDecoder::new(source)),
        }
    }
}

impl<R: BufRead> Read for GzipMembers<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(mut member) = self.member.take() {
            match member.read(buffer) {
                Ok(0) if !buffer.is_empty() => self.member = next_member(member.into_inner())?,
                read => {
                    self.member = Some(member);
                    return read;
                }
            }
        }
        Ok(0)
    }
}

/// The next member of a gzip file.
fn next_member<R: BufRead>(mut rest: R) -> io::Result<Option<GzDecoder<R>>> {
    loop {
        let bytes = rest.fill_buf()?;
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        match bytes.get(zeros) {
            None if zeros == 0 => return Ok(None),
            None => rest.consume(zeros),
            Some(0x1f) => {
                rest.consume(zeros);
                return Ok(Some(GzDecoder::new(rest)));
            }
            Some(_) => {
                let message = "other bytes follow it";
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            }
        }
    }
}

/// A reader that remembers whether it failed itself: any other error is that of its decoder.
pub(super) struct Watched<R> {
    pub(super) source: R,
    failed: bool,
}

impl<R> Watched<R> {
    pub(super) const fn new(source: R) -> Self {
        Self {
            source,
            failed: false,
        }
    }

    /// An error of a decoder that read from this.
    pub(super) fn explain(&self, packing: Packing, error: io::Error) -> io::Error {
        if self.failed || ReadError::is_in(&error) {
            return error;
        }
        ReadError::Unpack(UnpackError::of_decoder(packing, &error)).into()
    }
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer);
        self.failed |= read.is_err();
        read
    }
}

impl<R: Seek> Seek for Watched<R> {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        let sought = self.source.seek(to);
        self.failed |= sought.is_err();
        sought
    }
}
