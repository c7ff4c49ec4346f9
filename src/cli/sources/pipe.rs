//! Pipes: bytes that can be read once, as long as somebody writes them.

use std::io::{self, Read};
use std::thread::Builder;

use axum::body::Bytes;
use futures::Stream;
use futures::stream::unfold;
use tokio::sync::mpsc;

/// Bytes that are read at a time.
const READ_BYTES: usize = 1 << 18;
/// Reads that may be ahead of what was taken.
const READS_AHEAD: usize = 4;

/// The bytes of a pipe. A thread of its own opens and reads it, and is left alone when the command
/// is interrupted: a read ends only when somebody writes.
pub(super) fn read<R: Read>(
    open: impl FnOnce() -> io::Result<R> + Send + 'static,
) -> impl Stream<Item = io::Result<Bytes>> + Send + Unpin {
    let (sender, receiver) = mpsc::channel(READS_AHEAD);
    let errors = sender.clone();
    let work = move || {
        let read = open().and_then(|mut pipe| {
            loop {
                let mut bytes = vec![0; READ_BYTES];
                match pipe.read(&mut bytes) {
                    Ok(0) => return Ok(()),
                    Ok(len) => {
                        bytes.truncate(len);
                        if sender.blocking_send(Ok(bytes.into())).is_err() {
                            return Ok(());
                        }
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
        });
        if let Err(error) = read {
            // Nobody may be waiting for it.
            let _ = sender.blocking_send(Err(error));
        }
    };
    if let Err(error) = Builder::new().name("pipe".to_owned()).spawn(work) {
        // There is room for it.
        let _ = errors.try_send(Err(error));
    }
    drop(errors);
    Box::pin(unfold(receiver, |mut receiver| async {
        let bytes = receiver.recv().await?;
        Some((bytes, receiver))
    }))
}
