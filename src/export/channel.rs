//! From a thread that writes to async code that reads.

use std::io;

use axum::body::Bytes;
use futures::channel::mpsc;
use futures::executor::block_on;
use futures::{SinkExt, Stream};

/// Size of a chunk in bytes.
const CHUNK: usize = 64 << 10;

/// The end to write to: blocks while the reader is behind, and fails when it is dropped.
pub(super) struct ChannelWriter {
    buffer: Vec<u8>,
    chunks: mpsc::Sender<Bytes>,
}

/// A writer, and the chunks that are written to it. A few of them are in memory at once.
pub(super) fn channel() -> (ChannelWriter, impl Stream<Item = Bytes> + Send + 'static) {
    let (sender, receiver) = mpsc::channel(1);
    let writer = ChannelWriter {
        buffer: Vec::with_capacity(CHUNK),
        chunks: sender,
    };
    (writer, receiver)
}

impl io::Write for ChannelWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= CHUNK {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let chunk = std::mem::replace(&mut self.buffer, Vec::with_capacity(CHUNK));
        // Not a channel of Tokio: its `send` may wait for the end of a task's time slice, which
        // never comes on a thread that blocks.
        block_on(self.chunks.send(chunk.into())).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::thread;

    use futures::StreamExt;

    use super::*;

    #[test]
    fn what_is_written_arrives() {
        let (mut writer, chunks) = channel();
        let text: Vec<u8> = (0..1_000_000_u32).flat_map(u32::to_le_bytes).collect();
        let written = text.clone();
        let thread = thread::spawn(move || {
            for part in written.chunks(977) {
                writer.write_all(part).unwrap();
            }
            writer.flush().unwrap();
        });
        let arrived: Vec<_> = block_on(chunks.collect());
        thread.join().unwrap();
        assert!(arrived.iter().all(|chunk| chunk.len() < CHUNK + 977));
        assert_eq!(arrived.concat(), text);
    }

    #[test]
    fn a_writer_fails_when_the_reader_is_gone() {
        let (mut writer, chunks) = channel();
        drop(chunks);
        let failed = writer.write_all(&vec![0; CHUNK]).unwrap_err();
        assert_eq!(failed.kind(), io::ErrorKind::BrokenPipe);
    }
}
