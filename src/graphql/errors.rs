//! Adds codes to the errors of `async-graphql`, and keeps its internals out of their messages.

use std::sync::Arc;

use async_graphql::extensions::{
    Extension, ExtensionContext, ExtensionFactory, NextParseQuery, NextResolve, NextValidation,
    ResolveInfo,
};
use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{
    ErrorExtensionValues, PathSegment, QueryPathNode, QueryPathSegment, Response, ServerError,
    ServerResult, ValidationResult, Value, Variables,
};

use super::Code;
use super::request_id::RequestId;

/// Adds codes to errors of `async-graphql`, and keeps the full path of every field error.
pub(super) struct CodedErrors;

impl ExtensionFactory for CodedErrors {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(CodedErrors)
    }
}

#[async_trait::async_trait]
impl Extension for CodedErrors {
    /// Keeps the path of an error: while it propagates through fields and lists that are not
    /// nullable, `async-graphql` replaces it by the path of each of them.
    async fn resolve(
        &self,
        ctx: &ExtensionContext<'_>,
        info: ResolveInfo<'_>,
        next: NextResolve<'_>,
    ) -> ServerResult<Option<Value>> {
        let node = info.path_node;
        next.run(ctx, info).await.map_err(|mut error| {
            let is_kept = error.source::<FullPath>().is_some();
            if !is_kept {
                error.source = Some(Arc::new(FullPath(path(node))));
            }
            error
        })
    }

    async fn parse_query(
        &self,
        ctx: &ExtensionContext<'_>,
        query: &str,
        variables: &Variables,
        next: NextParseQuery<'_>,
    ) -> ServerResult<ExecutableDocument> {
        // The document is already parsed: only the limits on its shape can fail here.
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
                .map(|mut error| {
                    let message = match error.message.as_str() {
                        "Query is too complex." => {
                            "the query is too complex: request smaller pages (`first`), above all \
                             of nested lists"
                        }
                        "Query is nested too deep." => "the query is nested too deeply",
                        _ => return coded(error, Code::BadUserInput),
                    };
                    message.clone_into(&mut error.message);
                    coded(error, Code::TooComplex)
                })
                .collect()
        })
    }
}

/// The path of the field that failed.
struct FullPath(Vec<PathSegment>);

fn path(node: &QueryPathNode<'_>) -> Vec<PathSegment> {
    let nodes = std::iter::successors(Some(node), |node| node.parent);
    let mut path: Vec<_> = nodes
        .map(|node| match node.segment {
            QueryPathSegment::Name(name) => PathSegment::Field(name.to_owned()),
            QueryPathSegment::Index(index) => PathSegment::Index(index),
        })
        .collect();
    path.reverse();
    path
}

/// Adds a code and the full path to every error, and the request id to internal errors, so that
/// the log entry can be found.
pub(super) fn finish(response: &mut Response, request: &RequestId) {
    for error in &mut response.errors {
        if let Some(FullPath(path)) = error.source::<FullPath>() {
            error.path = path.clone();
        }
        let extensions = error
            .extensions
            .get_or_insert_with(ErrorExtensionValues::default);
        if extensions.get("code").is_none() {
            extensions.set("code", Code::BadUserInput.name());
        }
        if extensions.get("code") == Some(&Code::Internal.name().into()) {
            extensions.set("requestId", request.0.as_str());
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
