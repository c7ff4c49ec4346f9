use axum::http::Extensions;
use axum::http::HeaderMap;
use tracing::field::Empty;
use tracing::{Span, trace_span};

use super::request_id;
use crate::graphql::{OperationKind, RequestId};
use crate::telemetry::{SPANS, TraceParent, trace_id};

/// The request that an operation came with: all operations of a WebSocket came with its handshake.
#[derive(Debug, Clone)]
pub(super) struct RequestInfo {
    pub(super) id: RequestId,
    parent: TraceParent,
}

impl RequestInfo {
    pub(super) fn of(extensions: &Extensions, headers: &HeaderMap) -> Self {
        Self {
            id: request_id::of(extensions),
            parent: TraceParent::of(headers),
        }
    }
}

/// The exported span of an operation, which ends when this is dropped.
#[derive(Debug)]
pub(super) struct OperationSpan(Span);

impl OperationSpan {
    /// `kind` is `None` for a document that is invalid. The name is no part of the span's name: clients
    /// choose it.
    pub(super) fn begin(
        request: &RequestInfo,
        kind: Option<OperationKind>,
        name: Option<&str>,
    ) -> Self {
        let kind = kind.map(OperationKind::name);
        // Its parent for the log is the span of the request, which is not exported.
        let span = trace_span!(
            target: SPANS,
            "operation",
            "otel.name" = kind.unwrap_or("GraphQL Operation"),
            "otel.kind" = "server",
            "otel.status_code" = Empty,
            "graphql.operation.type" = kind,
            "graphql.operation.name" = name,
            "error.type" = Empty,
            "tripgraph.request.id" = request.id.0,
        );
        request.parent.adopt(&span);
        Self(span)
    }

    /// Records the code of an error.
    pub(super) fn failed(&self, code: Option<&'static str>) {
        if let Some(code) = code {
            self.0.record("otel.status_code", "ERROR");
            self.0.record("error.type", code);
        }
    }

    /// The span, for what is part of the operation.
    pub(super) const fn span(&self) -> &Span {
        &self.0
    }

    /// The id of its trace, for the log.
    pub(super) fn trace_id(&self) -> Option<String> {
        trace_id(&self.0)
    }
}
