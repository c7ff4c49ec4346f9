//! Files of a request that have not been received yet.
//!
//! A transport that receives files as a stream gives the operation one [`Uploads`] and keeps the
//! [`UploadSender`]. The operation is validated and starts first; the transport begins to receive
//! the files only when a resolver requests its file.

use std::sync::Arc;

use async_graphql::{Value, Variables};
use futures::FutureExt;
use futures::future::Shared;
use tokio::sync::{Notify, oneshot};
use tracing::{Instrument, field::Empty, trace_span};

use super::ApiError;
use crate::ingest::{ReceivedFile, SpooledFile};
use crate::telemetry::SPANS;

type Outcome = Result<Arc<ReceivedFile>, ApiError>;

/// The resolvers' end: it gives access to the files of a request. Several resolvers may take the
/// same file: `map` may assign it to several variables, and a variable may be used in several
/// arguments.
pub struct Uploads {
    files: Vec<Shared<oneshot::Receiver<Outcome>>>,
    wanted: Arc<Notify>,
}

/// The transport's end: it delivers the received files.
pub struct UploadSender {
    files: Vec<oneshot::Sender<Outcome>>,
    wanted: Arc<Notify>,
}

impl Uploads {
    /// Creates both ends for `count` files.
    #[must_use]
    pub fn new(count: usize) -> (UploadSender, Self) {
        let wanted = Arc::new(Notify::new());
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..count).map(|_| oneshot::channel()).unzip();
        let files = receivers.into_iter().map(FutureExt::shared).collect();
        (
            UploadSender {
                files: senders,
                wanted: Arc::clone(&wanted),
            },
            Self { files, wanted },
        )
    }

    /// Puts a reference to the file with this number at `path`, in the notation of the multipart
    /// request specification (`variables.file`, `variables.files.0`).
    ///
    /// # Errors
    ///
    /// If there is no such variable, or it is not null.
    pub fn refer(variables: &mut Variables, path: &str, number: usize) -> Result<(), ApiError> {
        let wrong = |what: &str| ApiError::bad_input(format_args!("map: `{path}` {what}"));
        let variable = find(variables, path).ok_or_else(|| wrong("is not a path to a variable"))?;
        if *variable != Value::Null {
            return Err(wrong("is not null in the operations"));
        }
        *variable = reference(number);
        Ok(())
    }

    /// Waits until the file with this number has arrived, and spools it for one ingestion.
    pub(super) async fn take(&self, number: usize) -> Result<SpooledFile, ApiError> {
        let missing = || ApiError::bad_input("the file did not arrive");
        let file = self.files.get(number).cloned().ok_or_else(missing)?;
        self.wanted.notify_one();
        let span = trace_span!(target: SPANS, "receive", "file.size" = Empty);
        let recorded = span.clone();
        let received = async move {
            let file = file
                .await
                .unwrap_or_else(|_| Err(missing()))?
                .spool()
                .await?;
            recorded.record("file.size", i64::try_from(file.bytes()).ok());
            Ok(file)
        };
        received.instrument(span).await
    }
}

impl UploadSender {
    /// Waits until a resolver requests a file.
    pub async fn wanted(&self) {
        self.wanted.notified().await;
    }

    /// Delivers all files, in the order of their numbers.
    pub fn deliver(self, files: Vec<ReceivedFile>) {
        for (waiting, file) in self.files.into_iter().zip(files) {
            // If no resolver waits any longer, the file is dropped, which deletes it.
            let _ = waiting.send(Ok(Arc::new(file)));
        }
    }

    /// Sends the error to all resolvers that wait for a file.
    pub fn fail(self, error: &ApiError) {
        for waiting in self.files {
            let _ = waiting.send(Err(error.clone()));
        }
    }
}

/// A reference is a binary value. JSON has none, so a client cannot forge a reference.
fn reference(number: usize) -> Value {
    Value::Binary(number.to_be_bytes().to_vec().into())
}

/// The number in a reference.
pub(super) fn referred(value: &Value) -> Option<usize> {
    match value {
        Value::Binary(bytes) => Some(usize::from_be_bytes(bytes.as_ref().try_into().ok()?)),
        _ => None,
    }
}

fn find<'a>(variables: &'a mut Variables, path: &str) -> Option<&'a mut Value> {
    let mut parts = path.strip_prefix("variables.")?.split('.');
    let variable = variables.get_mut(parts.next()?)?;
    parts.try_fold(variable, |value, part| match value {
        Value::List(items) => items.get_mut(part.parse::<usize>().ok()?),
        Value::Object(fields) => fields.get_mut(part),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use async_graphql::value;

    use super::*;

    #[test]
    fn references_go_where_the_map_says() {
        let mut variables = Variables::from_value(
            value!({ "file": null, "files": [null, null], "x": { "y": null } }),
        );
        for (number, path) in ["variables.file", "variables.files.1", "variables.x.y"]
            .iter()
            .enumerate()
        {
            Uploads::refer(&mut variables, path, number).unwrap();
        }
        assert_eq!(variables.get("file").and_then(referred), Some(0));
        for path in [
            "variables.file",
            "file",
            "variables.files.2",
            "variables.no",
            "variables",
        ] {
            assert!(Uploads::refer(&mut variables, path, 0).is_err(), "{path}");
        }
    }

    #[test]
    fn text_is_no_reference() {
        assert_eq!(referred(&value!("#__graphql_file__:0")), None);
        assert_eq!(referred(&value!(0)), None);
    }
}
