//! Operations of all transports: checks what the client may do, runs them, logs each and counts its
//! errors.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_graphql::{Request, Response as Answer, ServerError};
use futures::StreamExt;
use futures::stream::BoxStream;
use tracing::{Instrument, Span};

use super::AppState;
use super::auth::Caller;
use super::metrics::Metrics;
use super::operation_span::{OperationSpan, RequestInfo};
use crate::graphql::{ApiError, Code, Operation, OperationKind};

/// Maximum length of an operation's name in the log, in characters.
const MAX_NAME: usize = 100;

/// Parses and validates a request.
pub(super) fn parse(
    state: &AppState,
    info: &RequestInfo,
    request: Request,
) -> Result<Operation, Vec<ServerError>> {
    Operation::parse(request, state.limits()).inspect_err(|errors| {
        let code = state.metrics().graphql_errors(errors);
        OperationSpan::begin(info, None, None).failed(code);
        tracing::info!(code, "refused an operation");
    })
}

/// Checks that the client may run an operation, and restricts it to what the client may learn.
pub(super) fn permit(
    state: &AppState,
    info: &RequestInfo,
    caller: &Caller,
    operation: &mut Operation,
) -> Result<(), ApiError> {
    let permitted = caller
        .check(operation.kind())
        .and_then(|()| operation.disclose(caller.disclosure(state.settings())));
    permitted.inspect_err(|error| {
        state.metrics().graphql_error(Some(error.code()));
        let kind = operation.kind();
        let operation = name(operation);
        let code = error.code().name();
        OperationSpan::begin(info, Some(kind), operation.as_deref()).failed(Some(code));
        tracing::info!(
            operation,
            caller = caller.name(),
            code,
            "refused an operation"
        );
    })
}

/// Runs a query or a mutation to its end.
pub(super) async fn execute(
    state: &AppState,
    info: &RequestInfo,
    caller: &Caller,
    operation: Operation,
) -> Answer {
    let mut run = Run::new(state, info, caller, &operation);
    let answer = operation.execute(state.schema(), info.id.clone());
    let answer = answer.instrument(run.exported.span().clone()).await;
    run.answered(&answer);
    run.complete();
    answer
}

/// Runs an operation as a stream of results.
pub(super) fn stream(
    state: &AppState,
    info: &RequestInfo,
    caller: &Caller,
    operation: Operation,
) -> BoxStream<'static, Answer> {
    let run = Run::new(state, info, caller, &operation);
    let answers = operation.stream(state.schema(), info.id.clone());
    futures::stream::unfold((answers, run), |(mut answers, mut run)| async {
        let answer = answers.next().instrument(run.exported.span().clone());
        let Some(answer) = answer.await else {
            run.complete();
            return None;
        };
        run.answered(&answer);
        Some((answer, (answers, run)))
    })
    .boxed()
}

/// An operation that runs. It is logged at its end, also if the client has disconnected.
struct Run {
    name: Option<String>,
    kind: OperationKind,
    caller: Caller,
    metrics: Arc<Metrics>,
    /// The span of the request in the log.
    span: Span,
    exported: OperationSpan,
    began: Instant,
    results: u64,
    /// Code of the first error.
    code: Option<&'static str>,
    is_complete: bool,
}

impl Run {
    fn new(state: &AppState, info: &RequestInfo, caller: &Caller, operation: &Operation) -> Self {
        let (name, kind) = (name(operation), operation.kind());
        Self {
            exported: OperationSpan::begin(info, Some(kind), name.as_deref()),
            name,
            kind,
            caller: caller.clone(),
            metrics: Arc::clone(state.metrics()),
            span: Span::current(),
            began: Instant::now(),
            results: 0,
            code: None,
            is_complete: false,
        }
    }

    fn answered(&mut self, answer: &Answer) {
        self.results += 1;
        let code = self.metrics.graphql_errors(&answer.errors);
        if self.code.is_none() {
            self.exported.failed(code);
            self.code = code;
        }
    }

    fn complete(mut self) {
        self.is_complete = true;
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        tracing::info!(
            parent: &self.span,
            operation = self.name,
            kind = self.kind.name(),
            caller = self.caller.name(),
            results = self.results,
            complete = self.is_complete,
            code = self.code,
            latency_ms = milliseconds(self.began.elapsed()),
            trace_id = self.exported.trace_id(),
            "operation"
        );
    }
}

fn name(operation: &Operation) -> Option<String> {
    let name = operation.name()?;
    Some(name.chars().take(MAX_NAME).collect())
}

/// A duration for the log: in milliseconds, to the microsecond.
pub(super) fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

impl Metrics {
    /// Counts the errors of a response; returns the code of the first.
    fn graphql_errors(&self, errors: &[ServerError]) -> Option<&'static str> {
        let codes: Vec<_> = errors.iter().map(Code::of).collect();
        for code in &codes {
            self.graphql_error(*code);
        }
        codes.into_iter().flatten().next().map(Code::name)
    }
}
