use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::futures_util::{FutureExt, StreamExt, stream::BoxStream};
use async_graphql::parser::parse_query;
use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, OperationType,
};
use async_graphql::{Request, Response, ServerError, Value};

use super::cache::RequestCache;
use super::{ApiError, Code, Limits, Schema, document, errors};

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
    /// Parses the document and finds the operation that is to run.
    ///
    /// # Errors
    ///
    /// What is wrong with the document, ready for the client.
    pub fn parse(mut request: Request, limits: &Limits) -> Result<Self, Box<ServerError>> {
        if request.operation_name.as_deref() == Some("") {
            request.operation_name = None;
        }
        let document = parse_query(&request.query).map_err(|error| errors::syntax(&error))?;
        document::check(&document, limits).map_err(ServerError::from)?;
        let operation =
            chosen(&document, request.operation_name.as_deref()).map_err(ServerError::from)?;
        let kind = match operation.ty {
            OperationType::Query => OperationKind::Query,
            OperationType::Mutation => OperationKind::Mutation,
            OperationType::Subscription => OperationKind::Subscription,
        };
        check_variables(operation, &request).map_err(ServerError::from)?;
        request.set_parsed_query(document);
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

/// The operation of the document that is to run.
fn chosen<'a>(
    document: &'a ExecutableDocument,
    name: Option<&str>,
) -> Result<&'a OperationDefinition, ApiError> {
    let operation = match (&document.operations, name) {
        (DocumentOperations::Single(operation), None) => Some(operation),
        (DocumentOperations::Single(_), Some(_)) => None,
        (DocumentOperations::Multiple(operations), Some(name)) => operations.get(name),
        (DocumentOperations::Multiple(operations), None) if operations.len() == 1 => {
            operations.values().next()
        }
        (DocumentOperations::Multiple(_), None) => {
            return Err(ApiError::bad_input(
                "the document contains several operations: give an operationName",
            ));
        }
    };
    operation.map(|operation| &operation.node).ok_or_else(|| {
        ApiError::bad_input("the document contains no operation of that operationName")
    })
}

/// A variable that must be given is missed before anything runs; the library would miss it only
/// where it is used.
fn check_variables(operation: &OperationDefinition, request: &Request) -> Result<(), ApiError> {
    for definition in &operation.variable_definitions {
        let definition = &definition.node;
        let name = &definition.name.node;
        let given = request.variables.get(name);
        let needed = !definition.var_type.node.nullable;
        let missing = given.map_or(definition.default_value.is_none(), |value| {
            *value == Value::Null
        });
        if needed && missing {
            let of_type = &definition.var_type.node;
            let mut message = format!("the variable `${name}` of type `{of_type}` is not given");
            if of_type.to_string().starts_with("Upload") {
                message.push_str(
                    ": a file comes as multipart/form-data (the GraphQL multipart request \
                     specification)",
                );
            }
            return Err(ApiError::bad_input(message));
        }
    }
    Ok(())
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
            .map_err(|error| {
                code(&Response::from_errors(vec![*error]))
                    .cloned()
                    .unwrap_or_default()
            })
    }

    #[test]
    fn the_kind_is_known_before_anything_runs() {
        assert_eq!(parsed("{ a }"), Ok(OperationKind::Query));
        assert_eq!(parsed("mutation M { a }"), Ok(OperationKind::Mutation));
        assert_eq!(
            parsed("subscription { a }"),
            Ok(OperationKind::Subscription)
        );
        let bad = Err(Value::from("BAD_USER_INPUT"));
        for query in [
            "",
            "{",
            "query A { a } query B { a }",
            "query ($x: Int!) { a(x: $x) }",
        ] {
            assert_eq!(parsed(query), bad, "{query}");
        }
        assert_eq!(
            parsed("query ($x: Int! = 1) { a(x: $x) }"),
            Ok(OperationKind::Query)
        );
        assert_eq!(
            parsed(&"{ a ".repeat(500)),
            Err(Value::from("BAD_USER_INPUT"))
        );
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
