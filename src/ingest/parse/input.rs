//! The bytes of a file, in order, through a buffer of fixed size.

use std::io::{self, Read, Seek, SeekFrom};

/// A file and its next bytes.
#[derive(Debug)]
pub(super) struct Input<R> {
    source: R,
    buffer: Box<[u8]>,
    /// The unread part of the buffer.
    start: usize,
    end: usize,
    at_end: bool,
}

impl<R: Read + Seek> Input<R> {
    /// Starts at the beginning of a file, with a buffer of this many bytes.
    pub(super) fn open(mut source: R, buffer: usize) -> io::Result<Self> {
        source.rewind()?;
        Ok(Self {
            source,
            buffer: vec![0; buffer].into_boxed_slice(),
            start: 0,
            end: 0,
            at_end: false,
        })
    }

    pub(super) const fn source(&self) -> &R {
        &self.source
    }

    /// Continues at another offset in the file.
    pub(super) fn seek(&mut self, offset: u64) -> io::Result<()> {
        self.source.seek(SeekFrom::Start(offset))?;
        self.start = 0;
        self.end = 0;
        self.at_end = false;
        Ok(())
    }

    /// The next bytes of the file, as far as they are in the buffer.
    #[inline]
    pub(super) fn unread(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Whether no bytes follow the unread ones.
    pub(super) const fn is_at_end(&self) -> bool {
        self.at_end
    }

    #[inline]
    pub(super) const fn skip(&mut self, bytes: usize) {
        self.start += bytes;
    }

    /// Ensures that more than `least` bytes are unread, or the rest of the file is. `least` is
    /// smaller than the buffer.
    #[inline]
    pub(super) fn refill(&mut self, least: usize) -> io::Result<()> {
        if self.end - self.start <= least && !self.at_end {
            self.fill()?;
        }
        Ok(())
    }

    /// Moves the unread part to the front of the buffer and reads until the buffer is full or the
    /// file ends.
    #[cold]
    #[inline(never)]
    pub(super) fn fill(&mut self) -> io::Result<()> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        while self.end < self.buffer.len() && !self.at_end {
            match self.source.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.at_end = true,
                Ok(bytes) => self.end += bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
