//! Properties of multipart bodies that hold for any bytes.
#![expect(
    clippy::unwrap_used,
    reason = "for tests only: what cannot be read again is a finding"
)]

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};

use super::*;
use crate::http::HttpSettings;

/// Maximum length of a part that is read into memory.
const LIMIT: usize = 512;

/// What was read of a body: `operations`, `map`, and the names and contents of its files.
type Parts = (Vec<u8>, Vec<u8>, Vec<(String, Vec<u8>)>);

/// A body is read alike in whatever chunks it arrives. Parts that a client writes are read as they were.
pub(crate) fn multipart(data: &[u8]) {
    let Some((&[chunk, first, second], bytes)) = data.split_first_chunk() else {
        return;
    };
    let chunk = 1 + usize::from(chunk);
    let whole = read(bytes, usize::MAX);
    assert_eq!(read(bytes, chunk), whole);

    let (operations, rest) = bytes.split_at(usize::from(first).min(bytes.len()));
    let (map, file) = rest.split_at(usize::from(second).min(rest.len()));
    let parts = [operations, map, file];
    let has_boundary = memchr::memmem::find(bytes, b"\r\n--X").is_some();
    if has_boundary || parts.iter().any(|part| part.starts_with(b"--X")) {
        return;
    }
    let mut body = Vec::new();
    for (name, content) in [
        ("operations", operations),
        ("map", map),
        ("0\"; filename=\"a.csv", file),
    ] {
        let head = format!("--X\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--X--\r\n");
    let files = vec![("a.csv".to_owned(), file.to_vec())];
    let expected = (operations.to_vec(), map.to_vec(), files);
    assert_eq!(read(&body, chunk), Ok(expected));
}

/// Reads a body that arrives in chunks of `chunk` bytes.
fn read(bytes: &[u8], chunk: usize) -> Result<Parts, String> {
    let chunks: Vec<_> = bytes.chunks(chunk).map(Bytes::copy_from_slice).collect();
    let chunks = futures::stream::iter(chunks.into_iter().map(Ok::<_, Infallible>));
    let patience = HttpSettings::default().body;
    let (shared, incoming) = Incoming::new(Body::from_stream(chunks), patience);
    let mut reader = Reader {
        multipart: Multipart::new(incoming, "X"),
        shared,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        let deadline = Instant::now() + Duration::from_hours(1);
        let message = |error: ApiError| format!("{error:?}");
        let operations = reader.text("operations", LIMIT, deadline).await;
        let operations = operations.map_err(message)?;
        let map = reader.text("map", LIMIT, deadline).await.map_err(message)?;
        let mut files = Vec::new();
        loop {
            reader.shared.allow(BETWEEN_PARTS, None);
            let part = reader.multipart.next_field().await;
            let Some(part) = part.map_err(|error| error.to_string())? else {
                return Ok((operations, map, files));
            };
            let name = file_name::of(&part);
            assert!(
                !name.is_empty() && !name.contains(['/', '\\', '\0']),
                "{name:?}"
            );
            let content = part.bytes().await.map_err(|error| error.to_string())?;
            files.push((name, content.to_vec()));
        }
    })
}
