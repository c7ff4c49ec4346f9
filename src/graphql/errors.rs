//! Gives the library's own errors a code, and takes the library's inside out of their messages.

use std::sync::Arc;

use async_graphql::extensions::{
    Extension, ExtensionContext, ExtensionFactory, NextParseQuery, NextRequest, NextSubscribe,
    NextValidation,
};
use async_graphql::futures_util::{StreamExt, stream::BoxStream};
use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{
    ErrorExtensionValues, Response, ServerError, ServerResult, ValidationResult, Variables,
};

use super::operation::RequestId;
use super::{ApiError, Code};

/// Every error that leaves the server carries a code.
pub(super) struct CodedErrors;

impl ExtensionFactory for CodedErrors {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(CodedErrors)
    }
}

#[async_trait::async_trait]
impl Extension for CodedErrors {
    async fn request(&self, ctx: &ExtensionContext<'_>, next: NextRequest<'_>) -> Response {
        let mut response = next.run(ctx).await;
        finish(&mut response, ctx.data_opt::<RequestId>());
        response
    }

    fn subscribe<'s>(
        &self,
        ctx: &ExtensionContext<'_>,
        stream: BoxStream<'s, Response>,
        next: NextSubscribe<'_>,
    ) -> BoxStream<'s, Response> {
        let id = ctx.data_opt::<RequestId>().cloned();
        next.run(ctx, stream)
            .map(move |mut response| {
                finish(&mut response, id.as_ref());
                response
            })
            .boxed()
    }

    async fn parse_query(
        &self,
        ctx: &ExtensionContext<'_>,
        query: &str,
        variables: &Variables,
        next: NextParseQuery<'_>,
    ) -> ServerResult<ExecutableDocument> {
        // The document comes in parsed: what is left to fail here are the limits on its shape.
        next.run(ctx, query, variables)
            .await
            .map_err(|error| coded(error, Code::TooComplex))
    }

    async fn validation(
        &self,
        ctx: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        next.run(ctx).await.map_err(|errors| {
            errors
                .into_iter()
                .take(MAX_ERRORS)
                .map(|mut error| {
                    let message = match error.message.as_str() {
                        "Query is too complex." => {
                            "the query asks for too much at once: ask for smaller pages (`first`), \
                             above all of lists in lists"
                        }
                        "Query is nested too deep." => "the query is nested too deep",
                        _ => return coded(error, Code::BadUserInput),
                    };
                    message.clone_into(&mut error.message);
                    coded(error, Code::TooComplex)
                })
                .collect()
        })
    }
}

/// Errors of one answer; a document can be wrong in as many places as it has fields.
const MAX_ERRORS: usize = 50;

/// Gives every error a code, and an internal one the id to look for in the log.
pub(super) fn finish(response: &mut Response, request: Option<&RequestId>) {
    for error in &mut response.errors {
        let extensions = error
            .extensions
            .get_or_insert_with(ErrorExtensionValues::default);
        if extensions.get("code").is_none() {
            extensions.set("code", Code::BadUserInput.name());
        }
        if let Some(RequestId(id)) = request
            && extensions.get("code") == Some(&Code::Internal.name().into())
        {
            extensions.set("requestId", id.as_str());
        }
    }
}

fn coded(mut error: ServerError, code: Code) -> ServerError {
    error
        .extensions
        .get_or_insert_with(ErrorExtensionValues::default)
        .set("code", code.name());
    error
}

/// A document that could not be parsed: where, but not the parser's own words.
pub(super) fn syntax(error: &async_graphql::parser::Error) -> ServerError {
    use async_graphql::parser::Error as Parse;
    let positions: Vec<_> = error.positions().collect();
    let (code, message) = match (error, positions.first()) {
        (Parse::Syntax { .. }, Some(at)) => (
            Code::BadUserInput,
            format!("syntax error at line {}, column {}", at.line, at.column),
        ),
        (Parse::RecursionLimitExceeded, _) => (
            Code::TooComplex,
            "the document is nested too deep".to_owned(),
        ),
        (Parse::MissingOperation, _) => (
            Code::BadUserInput,
            "the document contains no operation".to_owned(),
        ),
        (other, _) => (Code::BadUserInput, other.to_string()),
    };
    let mut error: ServerError = ApiError::new(code, message).into();
    error.locations = positions;
    error
}
