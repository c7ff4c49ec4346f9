//! Unpacking: a thread decompresses ahead of what is parsed, with bounded memory.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

use super::error::ReadError;
use crate::ingest::stop::Stop;
use crate::store::Head;

/// Decompressed bytes that are handed over at a time.
const BLOCK_BYTES: usize = 1 << 18;
/// Blocks that may wait to be parsed: 2 MiB.
const BLOCKS: usize = 8;
/// Bytes that are still read after the ingestion was asked to stop: more than a chunk, so that
/// rows come to the collector, which stops at a checkpoint. Only where no rows come, reading stops.
const READ_WHEN_STOPPED: u64 = 16 << 20;

/// Bytes that can be decompressed from their beginning, any number of times.
pub(super) trait Packed: Send + Sync {
    /// Decompresses all bytes into blocks, until there are no more or nobody takes them.
    fn unpack(&self, blocks: &Blocks) -> io::Result<()>;
}

/// Decompressed bytes.
#[derive(Default)]
struct Block {
    bytes: Vec<u8>,
    /// How far the file was read for them.
    stored: u64,
    head: Head,
}

/// Takes decompressed bytes.
pub(super) struct Blocks {
    sender: SyncSender<io::Result<Block>>,
}

impl Blocks {
    /// Sends all bytes of a decoder. For each block of that many bytes, `reached` says how far the
    /// file was read. An error comes after the bytes before it.
    pub(super) fn send_all(
        &self,
        mut decoder: impl Read,
        reached: impl Fn(usize) -> io::Result<(u64, Head)>,
    ) -> io::Result<()> {
        loop {
            let mut bytes = vec![0; BLOCK_BYTES];
            let mut len = 0;
            let read = loop {
                match decoder.read(&mut bytes[len..]) {
                    Ok(0) => break Ok(()),
                    Ok(read) => len += read,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => break Err(error),
                }
                if len == bytes.len() {
                    break Ok(());
                }
            };
            let is_last = len < bytes.len();
            bytes.truncate(len);
            let (stored, head) = reached(len)?;
            let block = Block {
                bytes,
                stored,
                head,
            };
            let is_wanted = len == 0 || self.sender.send(Ok(block)).is_ok();
            read?;
            if is_last || !is_wanted {
                return Ok(());
            }
        }
    }
}

/// What packed bytes decompress to.
pub(super) struct Unpacked {
    packed: Arc<dyn Packed>,
    stop: Arc<Stop>,
    thread: Thread,
    block: Block,
    /// Bytes of the block that were read.
    taken: usize,
    /// Bytes that were read in all.
    offset: u64,
    /// Bytes that were read since the ingestion was asked to stop.
    read_when_stopped: u64,
}

/// The thread that decompresses.
enum Thread {
    NotStarted,
    Running(Receiver<io::Result<Block>>, JoinHandle<()>),
    /// It has decompressed all bytes, or failed.
    Ended,
}

impl Thread {
    fn start(packed: Arc<dyn Packed>) -> io::Result<Self> {
        let (sender, blocks) = sync_channel(BLOCKS);
        let work = move || {
            let blocks = Blocks { sender };
            if let Err(error) = packed.unpack(&blocks) {
                // Nobody may be waiting for it.
                let _ = blocks.sender.send(Err(error));
            }
        };
        let handle = Builder::new().name("unpacker".to_owned()).spawn(work)?;
        Ok(Self::Running(blocks, handle))
    }

    /// The next block; `None` when there are no more.
    fn next(&mut self) -> io::Result<Option<Block>> {
        let Self::Running(blocks, _) = self else {
            return Ok(None);
        };
        match blocks.recv() {
            Ok(block) => block.map(Some),
            Err(_) => self.end().map(|()| None),
        }
    }

    /// Waits for its end, which is near: nobody takes its blocks any more.
    fn end(&mut self) -> io::Result<()> {
        match std::mem::replace(self, Self::Ended) {
            Self::Running(blocks, handle) => {
                drop(blocks);
                let ended = handle.join();
                ended.map_err(|_| io::Error::other("the decompressing thread panicked"))
            }
            Self::NotStarted | Self::Ended => Ok(()),
        }
    }
}

impl Unpacked {
    /// Decompresses on a thread of its own, from the first read on.
    pub(super) fn new(packed: Arc<dyn Packed>, stop: Arc<Stop>) -> Self {
        Self {
            packed,
            stop,
            thread: Thread::NotStarted,
            block: Block::default(),
            taken: 0,
            offset: 0,
            read_when_stopped: 0,
        }
    }

    /// What was read of the file for what was read of this.
    pub(super) const fn head(&self) -> Head {
        self.block.head
    }

    /// Bytes of the file that were read for what was read of this.
    pub(super) const fn stored(&self) -> u64 {
        self.block.stored
    }

    /// Takes the next block; leaves the last one if there are no more.
    fn refill(&mut self) -> io::Result<()> {
        if matches!(self.thread, Thread::NotStarted) {
            self.thread = Thread::start(Arc::clone(&self.packed))?;
        }
        if let Some(block) = self.thread.next()? {
            self.block = block;
            self.taken = 0;
        }
        match self.stop.reason() {
            Some(reason) if self.read_when_stopped > READ_WHEN_STOPPED => {
                Err(ReadError::Stopped(reason).into())
            }
            Some(_) => {
                self.read_when_stopped += self.block.bytes.len() as u64;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Starts again at the beginning.
    fn restart(&mut self) -> io::Result<()> {
        self.thread.end()?;
        self.thread = Thread::NotStarted;
        self.block = Block::default();
        (self.taken, self.offset) = (0, 0);
        Ok(())
    }
}

impl Read for Unpacked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.block.bytes.len() {
            self.refill()?;
        }
        let read = (&self.block.bytes[self.taken..]).read(buffer)?;
        self.taken += read;
        self.offset += read as u64;
        Ok(read)
    }
}

/// What is passed over is decompressed, from the beginning where the position is an earlier one.
impl Seek for Unpacked {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let SeekFrom::Start(to) = to else {
            let error = "a compressed stream has no end to seek from";
            return Err(io::Error::new(io::ErrorKind::Unsupported, error));
        };
        if to < self.offset {
            self.restart()?;
        }
        let distance = to - self.offset;
        io::copy(&mut self.by_ref().take(distance), &mut io::sink())?;
        Ok(self.offset)
    }
}

impl Drop for Unpacked {
    fn drop(&mut self) {
        // Its blocks are not needed any more, whatever became of it.
        let _ = self.thread.end();
    }
}
