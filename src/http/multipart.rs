//! The GraphQL multipart request specification, with the files as streams.
//!
//! `operations` and `map` come first and are read into memory. Then the operation is validated and
//! starts to run. The files are received only when a resolver requests its file, and are written
//! directly to the spool. A request that is refused writes nothing to the disk.

use std::collections::HashMap;

use async_graphql::Response as Answer;
use axum::body::Body;
use axum::http::header::CONTENT_LENGTH;
use axum::http::request::Parts;
use axum::response::Response;
use multer::Multipart;
use tokio::time::Instant;

use super::auth::Caller;
use super::body::{BodyError, Incoming, Shared, broken};
use super::operation_span::RequestInfo;
use super::reply::Format;
use super::{AppState, file_name, operations, params};
use crate::graphql::{ApiError, Code, Operation, OperationKind, UploadSender, Uploads};
use crate::ingest::{ReceivedFile, SpoolError};

/// Maximum number of bytes between two parts, within which the parser must find the next part.
const BETWEEN_PARTS: u64 = 1 << 20;

/// Answers a multipart request.
pub(super) async fn answer(
    state: &AppState,
    format: Format,
    parts: &Parts,
    caller: &Caller,
    boundary: &str,
    body: Body,
) -> Response {
    let (shared, incoming) = Incoming::new(body, state.settings().body);
    let reader = Reader {
        multipart: Multipart::new(incoming, boundary),
        shared,
    };
    let length = parts
        .headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    let info = RequestInfo::of(&parts.extensions, &parts.headers);
    match prepare(state, &info, caller, length, reader).await {
        Ok(prepared) => Box::pin(prepared.run(state, format, &info, caller)).await,
        Err(Refusal::Transport(error)) => format.refuse(error),
        Err(Refusal::Document(answer)) => format.answer(*answer),
    }
}

enum Refusal {
    Transport(ApiError),
    Document(Box<Answer>),
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self::Transport(error)
    }
}

/// A validated request whose files have not been received yet.
struct Prepared {
    operation: Operation,
    reader: Reader,
    /// The number of the file in each part, by the name of the part.
    map: HashMap<String, usize>,
}

async fn prepare(
    state: &AppState,
    info: &RequestInfo,
    caller: &Caller,
    length: Option<u64>,
    mut reader: Reader,
) -> Result<Prepared, Refusal> {
    let settings = state.settings();
    let limit = settings.max_body_bytes;
    let deadline = Instant::now() + settings.body.small;
    let operations = reader.text("operations", limit, deadline).await?;
    let map = reader.text("map", limit, deadline).await?;
    let mut request = params::from_slice(&operations)?;
    let map: HashMap<String, Vec<String>> = serde_json::from_slice(&map).map_err(|error| {
        ApiError::bad_input(format_args!(
            "`map` is not an object of lists of paths: {error}"
        ))
    })?;
    if map.len() > settings.max_files {
        return Err(ApiError::new(
            Code::TooLarge,
            format!("the limit of {} files is exceeded", settings.max_files),
        )
        .into());
    }
    let mut numbers = HashMap::new();
    for (number, (part, paths)) in map.into_iter().enumerate() {
        if paths.is_empty() {
            let message = format_args!("`map` assigns no variable to the part `{part}`");
            return Err(ApiError::bad_input(message).into());
        }
        for path in paths {
            Uploads::refer(&mut request.variables, &path, number)?;
        }
        numbers.insert(part, number);
    }
    let mut operation = operations::parse(state, info, request)
        .map_err(|errors| Refusal::Document(Box::new(Answer::from_errors(errors))))?;
    operations::permit(state, info, caller, &mut operation)?;
    if operation.kind() == OperationKind::Subscription {
        return Err(ApiError::bad_input("a subscription has no files: send it as JSON").into());
    }
    // Refuse a request that is certain to be too large before its files are received.
    let most = settings
        .max_upload_bytes
        .saturating_add(BETWEEN_PARTS)
        .saturating_mul(numbers.len() as u64)
        .saturating_add(3 * limit as u64);
    if length.is_some_and(|length| length > most) {
        let message = format!(
            "a file exceeds the limit of {} bytes",
            settings.max_upload_bytes
        );
        return Err(ApiError::new(Code::TooLarge, message).into());
    }
    Ok(Prepared {
        operation,
        reader,
        map: numbers,
    })
}

impl Prepared {
    async fn run(
        mut self,
        state: &AppState,
        format: Format,
        info: &RequestInfo,
        caller: &Caller,
    ) -> Response {
        let (sender, uploads) = Uploads::new(self.map.len());
        self.operation.request_mut().data.insert(uploads);
        let answer = operations::execute(state, info, caller, self.operation);
        let files = receive(state, self.reader, self.map, sender);
        tokio::pin!(answer, files);
        let answer = tokio::select! {
            // An operation that requests none of its files completes without them.
            answer = &mut answer => answer,
            () = &mut files => answer.await,
        };
        format.answer(answer)
    }
}

/// Receives the files when a resolver requests one, and delivers them when all have arrived and
/// the request is complete.
async fn receive(
    state: &AppState,
    mut reader: Reader,
    map: HashMap<String, usize>,
    sender: UploadSender,
) {
    sender.wanted().await;
    match reader.files(state, map).await {
        Ok(files) => sender.deliver(files),
        Err(error) => sender.fail(&error),
    }
}

struct Reader {
    multipart: Multipart<'static>,
    shared: Shared,
}

impl Reader {
    /// Reads the next part into memory; it must have this name.
    async fn text(
        &mut self,
        name: &str,
        limit: usize,
        deadline: Instant,
    ) -> Result<Vec<u8>, ApiError> {
        let allowed = BETWEEN_PARTS.saturating_add(limit as u64);
        self.shared.allow(allowed, Some(deadline));
        let part = self
            .multipart
            .next_field()
            .await
            .map_err(|error| failed(&error, limit))?;
        let mut part = part
            .filter(|part| part.name() == Some(name))
            .ok_or_else(|| {
                ApiError::bad_input(format_args!(
                    "the part `{name}` is missing: send `operations`, then `map`, then the files"
                ))
            })?;
        let mut bytes = Vec::new();
        while let Some(chunk) = part.chunk().await.map_err(|error| failed(&error, limit))? {
            if bytes.len() + chunk.len() > limit {
                let message = format!("the part `{name}` exceeds the limit of {limit} bytes");
                return Err(ApiError::new(Code::TooLarge, message));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    /// Receives the files; returns them in the order of their numbers.
    async fn files(
        &mut self,
        state: &AppState,
        mut map: HashMap<String, usize>,
    ) -> Result<Vec<ReceivedFile>, ApiError> {
        let limit = state.settings().max_upload_bytes;
        let mut files = Vec::new();
        loop {
            self.shared.allow(BETWEEN_PARTS, None);
            let part = self.multipart.next_field().await;
            let Some(part) =
                part.map_err(|error| failed(&error, state.settings().max_body_bytes))?
            else {
                break;
            };
            let number = part
                .name()
                .and_then(|name| map.remove(name))
                .ok_or_else(|| ApiError::bad_input("a part is not in `map`, or occurs twice"))?;
            self.shared.allow(u64::MAX, None);
            let name = file_name::of(&part);
            let spool = state.ingestions().spool();
            let file = spool.upload(&name, part, limit).await;
            files.push((number, file.map_err(broken_off)?));
        }
        if let Some(missing) = map.keys().next() {
            return Err(ApiError::bad_input(format_args!(
                "the file of the part `{missing}` is missing"
            )));
        }
        files.sort_by_key(|(number, _)| *number);
        Ok(files.into_iter().map(|(_, file)| file).collect())
    }
}

/// The error for a file that could not be received.
fn broken_off(error: SpoolError) -> ApiError {
    let late = match &error {
        SpoolError::Source(source) => match source.downcast_ref() {
            Some(multer::Error::StreamReadFailed(cause)) => cause.downcast_ref::<BodyError>(),
            _ => None,
        },
        _ => None,
    };
    match late {
        Some(late) if late.is_timeout() => {
            ApiError::new(Code::Timeout, format!("the upload timed out: {late}"))
        }
        _ => error.into(),
    }
}

fn failed(error: &multer::Error, limit: usize) -> ApiError {
    match error {
        multer::Error::StreamReadFailed(cause) => match cause.downcast_ref::<BodyError>() {
            Some(error) => broken(error, limit),
            None => ApiError::bad_input("the request was interrupted"),
        },
        error => ApiError::bad_input(format_args!("the multipart body is malformed: {error}")),
    }
}

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzz;
