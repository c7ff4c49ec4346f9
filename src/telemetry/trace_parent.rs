use axum::http::HeaderMap;
use tracing::{Level, Span};

use super::SPANS;

/// The span of a client, from the header `traceparent` of its request
/// (<https://www.w3.org/TR/trace-context/>).
#[derive(Debug, Clone, Default)]
pub struct TraceParent {
    #[cfg(feature = "otel")]
    context: Option<opentelemetry::Context>,
}

impl TraceParent {
    /// That of a request, if there is one and traces are exported.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        if !tracing::enabled!(target: SPANS, Level::TRACE) {
            return Self::default();
        }
        #[cfg(feature = "otel")]
        {
            Self {
                context: super::otel::parent(headers),
            }
        }
        #[cfg(not(feature = "otel"))]
        {
            let _ = headers;
            Self::default()
        }
    }

    /// Makes the client's span the parent of `span`, which has not been entered yet.
    pub fn adopt(&self, span: &Span) {
        #[cfg(feature = "otel")]
        if let Some(context) = &self.context {
            use tracing_opentelemetry::OpenTelemetrySpanExt;
            // It fails where nothing is exported.
            let _ = span.set_parent(context.clone());
        }
        #[cfg(not(feature = "otel"))]
        let _ = span;
    }
}

/// The id of the trace that an exported span belongs to, in hexadecimal.
#[must_use]
pub fn trace_id(span: &Span) -> Option<String> {
    #[cfg(feature = "otel")]
    {
        super::otel::trace_id(span)
    }
    #[cfg(not(feature = "otel"))]
    {
        let _ = span;
        None
    }
}
