use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use apollo_compiler::executable::OperationType;
use async_graphql::futures_util::{FutureExt, StreamExt, stream::BoxStream};
use async_graphql::{Request, Response, ServerError, Value};

use super::cache::RequestCache;
use super::document::Document;
use super::{ApiError, Code, Limits, Schema, errors};

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OperationKind {
    /// Reads.
    Query,
    /// Changes something.
    Mutation,
    /// Reads what happens, as it happens.
    Subscription,
}

/// The id under which the log speaks of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(pub String);

/// A request that was parsed, and whose kind is known.
pub struct Operation {
    request: Request,
    kind: OperationKind,
}

impl Operation {
    /// Parses and validates the document, finds the operation that is to run and coerces its
    /// variables.
    ///
    /// # Errors
    ///
    /// What is wrong with the document or the variables, ready for the client.
    pub fn parse(mut request: Request, limits: &Limits) -> Result<Self, Vec<ServerError>> {
        let name = request.operation_name.take();
        let name = name.as_deref().filter(|name| !name.is_empty());
        let document = Document::parse(&request.query, limits)?;
        let operation = document
            .operation(name)
            .map_err(|error| vec![error.into()])?;
        let kind = match operation.operation_type {
            OperationType::Query => OperationKind::Query,
            OperationType::Mutation => OperationKind::Mutation,
            OperationType::Subscription => OperationKind::Subscription,
        };
        let (executable, variables) = document
            .executable(operation, &request.variables)
            .map_err(|error| vec![error])?;
        request.variables = variables;
        request.set_parsed_query(executable);
        Ok(Self { request, kind })
    }

    /// What the operation does.
    #[must_use]
    pub const fn kind(&self) -> OperationKind {
        self.kind
    }

    /// The request, for a transport that has something to add to it.
    pub const fn request_mut(&mut self) -> &mut Request {
        &mut self.request
    }

    /// Runs a query or a mutation to its end. A query that takes too long is given up.
    pub async fn execute(self, schema: &Schema, id: RequestId) -> Response {
        let limits = schema.data::<Limits>().copied().unwrap_or_default();
        let request = self.request.data(RequestCache::default()).data(id.clone());
        let run = schema.execute(request);
        let mut response = if self.kind == OperationKind::Query {
            within(limits.query_timeout, guarded(run)).await
        } else {
            guarded(run).await
        };
        errors::finish(&mut response, &id);
        response
    }

    /// Runs an operation of any kind as a stream of answers; a query or a mutation has one.
    #[must_use]
    pub fn stream(self, schema: &Schema, id: RequestId) -> BoxStream<'static, Response> {
        if self.kind != OperationKind::Subscription {
            let schema = schema.clone();
            return async move { self.execute(&schema, id).await }
                .into_stream()
                .boxed();
        }
        let request = self.request.data(RequestCache::default()).data(id.clone());
        let answers = schema.execute_stream_with_session_data(request, Arc::default());
        AssertUnwindSafe(answers)
            .catch_unwind()
            .map(move |answer| {
                let mut response = answer.unwrap_or_else(|_| panicked());
                errors::finish(&mut response, &id);
                response
            })
            .boxed()
    }
}

/// The answer, or TIMEOUT where it takes longer than that.
async fn within(limit: Duration, run: impl Future<Output = Response>) -> Response {
    tokio::time::timeout(limit, run).await.unwrap_or_else(|_| {
        let message = format!("the query took longer than {} s", limit.as_secs_f64());
        Response::from_errors(vec![ApiError::new(Code::Timeout, message).into()])
    })
}

/// A resolver that panics must cost its client an answer, not the connection.
async fn guarded(run: impl Future<Output = Response>) -> Response {
    AssertUnwindSafe(run)
        .catch_unwind()
        .await
        .unwrap_or_else(|_| panicked())
}

fn panicked() -> Response {
    Response::from_errors(vec![ApiError::internal("a resolver panicked").into()])
}

/// Whether a request was refused before anything ran: then its answer has no `data`.
#[must_use]
pub fn is_request_error(response: &Response) -> bool {
    response.data == Value::Null
        && !response.errors.is_empty()
        && response.errors.iter().all(|error| error.path.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(response: &Response) -> Option<&Value> {
        response.errors.first()?.extensions.as_ref()?.get("code")
    }

    fn parsed(query: &str) -> Result<OperationKind, Value> {
        Operation::parse(Request::new(query), &Limits::default())
            .map(|operation| operation.kind())
            .map_err(|errors| {
                code(&Response::from_errors(errors))
                    .cloned()
                    .unwrap_or_default()
            })
    }

    #[test]
    fn the_kind_is_known_before_anything_runs() {
        assert_eq!(parsed("{ __typename }"), Ok(OperationKind::Query));
        assert_eq!(
            parsed("mutation M { cancelIngestion(id: 1) { id } }"),
            Ok(OperationKind::Mutation)
        );
        assert_eq!(
            parsed("subscription { ingestionUpdates { id } }"),
            Ok(OperationKind::Subscription)
        );
        let bad = Err(Value::from("BAD_USER_INPUT"));
        for query in [
            "",
            "{",
            "query A { __typename } query B { __typename }",
            "query ($x: Int!) { ingestions(first: $x) { totalCount } }",
        ] {
            assert_eq!(parsed(query), bad, "{query}");
        }
        assert_eq!(
            parsed("query ($x: Int! = 1) { ingestions(first: $x) { totalCount } }"),
            Ok(OperationKind::Query)
        );
        assert_eq!(parsed(&"{ a ".repeat(500)), Err(Value::from("TOO_COMPLEX")));
    }

    #[tokio::test]
    async fn what_takes_too_long_is_given_up() {
        let response = within(Duration::from_millis(5), std::future::pending()).await;
        assert_eq!(code(&response), Some(&Value::from("TIMEOUT")));
    }

    #[tokio::test]
    async fn a_panic_is_an_internal_error_and_tells_nothing() {
        let response = guarded(async { panic!("the inside") }).await;
        assert_eq!(code(&response), Some(&Value::from("INTERNAL")));
        let text = format!("{response:?}");
        assert!(!text.contains("inside"), "{text}");
    }
}
