use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use apollo_compiler::Node;
use apollo_compiler::executable::{Operation as Definition, OperationType};
use async_graphql::futures_util::{FutureExt, StreamExt, stream::BoxStream};
use async_graphql::{Request, Response, ServerError, Value};

use super::cache::RequestCache;
use super::cost::{self, Cost};
use super::disclosure::{Disclosure, withheld};
use super::document::Document;
use super::{ApiError, Code, Limits, RequestId, Schema, errors};

/// Kind of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OperationKind {
    /// Reads once.
    Query,
    /// Changes data.
    Mutation,
    /// Streams changes as they happen.
    Subscription,
}

impl OperationKind {
    /// The keyword with which such an operation begins.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Mutation => "mutation",
            Self::Subscription => "subscription",
        }
    }
}

/// A parsed and validated request.
pub struct Operation {
    request: Request,
    kind: OperationKind,
    document: Document,
    definition: Node<Definition>,
}

impl Operation {
    /// Parses and validates the document, selects the operation to run and coerces its variables.
    ///
    /// # Errors
    ///
    /// The errors in the document or the variables, ready for the client.
    pub fn parse(mut request: Request, limits: &Limits) -> Result<Self, Vec<ServerError>> {
        let name = request.operation_name.take();
        let name = name.as_deref().filter(|name| !name.is_empty());
        let document = Document::parse(&request.query, limits)?;
        let definition = document
            .operation(name)
            .map_err(|error| vec![error.into()])?
            .clone();
        let kind = match definition.operation_type {
            OperationType::Query => OperationKind::Query,
            OperationType::Mutation => OperationKind::Mutation,
            OperationType::Subscription => OperationKind::Subscription,
        };
        let (executable, variables) = document
            .executable(&definition, &request.variables)
            .map_err(|error| vec![error])?;
        request.variables = variables;
        request.set_parsed_query(executable);
        Ok(Self {
            request,
            kind,
            document,
            definition,
        })
    }

    /// Name of the operation in the document.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.definition.name.as_deref()
    }

    /// Sets what the operation may disclose; without, it discloses nothing. Aggregates do not tell
    /// what they cost: that depends on exact numbers of trips.
    ///
    /// # Errors
    ///
    /// If the operation asks for something else.
    pub fn disclose(&mut self, disclosure: Disclosure) -> Result<(), ApiError> {
        if disclosure != Disclosure::Everything {
            let allows = |coordinate: &str| disclosure.allows(coordinate);
            let variables = &self.request.variables;
            let rejected = self.document.rejected(&self.definition, variables, &allows);
            if let Some(coordinate) = rejected {
                return Err(withheld(&coordinate));
            }
            self.request.extensions.remove(cost::NAME);
        }
        self.request.data.insert(disclosure);
        Ok(())
    }

    /// Kind of the operation.
    #[must_use]
    pub const fn kind(&self) -> OperationKind {
        self.kind
    }

    /// The request, for a transport that adds data to it.
    pub const fn request_mut(&mut self) -> &mut Request {
        &mut self.request
    }

    /// Runs a query or a mutation to its end. A query is cancelled at its time-out.
    pub async fn execute(self, schema: &Schema, id: RequestId) -> Response {
        let limits = schema.data::<Limits>().copied().unwrap_or_default();
        let request = self.request.data(RequestCache::default()).data(id.clone());
        let (request, cost) = Cost::asked_by(request, schema);
        let run = schema.execute(request);
        let mut response = if self.kind == OperationKind::Query {
            within(limits.query_timeout, guarded(run)).await
        } else {
            guarded(run).await
        };
        errors::finish(&mut response, &id);
        if let Some(cost) = cost {
            cost.add_to(&mut response);
        }
        response
    }

    /// Runs an operation as a stream of responses; a query or a mutation has exactly one.
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

/// The response of `run`, or TIMEOUT if it takes longer than `limit`.
async fn within(limit: Duration, run: impl Future<Output = Response>) -> Response {
    tokio::time::timeout(limit, run).await.unwrap_or_else(|_| {
        let message = format!(
            "the query exceeded the time limit of {} s",
            limit.as_secs_f64()
        );
        Response::from_errors(vec![ApiError::new(Code::Timeout, message).into()])
    })
}

/// Turns a panic of a resolver into an internal error, so that the connection stays open.
async fn guarded(run: impl Future<Output = Response>) -> Response {
    AssertUnwindSafe(run)
        .catch_unwind()
        .await
        .unwrap_or_else(|_| panicked())
}

fn panicked() -> Response {
    Response::from_errors(vec![ApiError::internal("a resolver panicked").into()])
}

/// Whether a request was refused before execution: then its response has no `data`.
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
            "{ ingestions(first) { totalCount } }",
            "{ trips(filter: {region}) { totalCount } }",
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
