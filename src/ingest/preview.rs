//! Previews: what an ingestion would read in a file that a client has not uploaded yet.

use std::io::Write as _;

use tempfile::NamedTempFile;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::parse::FileOptions;
use super::{InspectedFile, Spool, SpoolError, inspect};

/// Rows that are read for a preview.
const MOST_ROWS: u64 = 100_000;

/// Previews that are read at a time: they must not take the processors from questions.
static READERS: Semaphore = Semaphore::const_new(2);

/// Inspects a file, or the beginning of one, of these bytes.
pub async fn preview(
    spool: &Spool,
    bytes: Vec<u8>,
    options: FileOptions,
) -> Result<InspectedFile, SpoolError> {
    let scratch = spool.clone();
    // It is never closed, so there is a permit in the end.
    let permit = READERS.acquire().await;
    let work = spawn_blocking(move || -> Result<InspectedFile, SpoolError> {
        // Held until the file is read, even if the client has gone.
        let _permit = permit;
        let mut file: NamedTempFile = scratch.scratch_file()?;
        file.write_all(&bytes)?;
        Ok(inspect(file.path(), &options, MOST_ROWS))
    });
    work.await.map_err(std::io::Error::other)?
}
