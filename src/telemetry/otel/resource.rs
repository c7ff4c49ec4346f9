use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;

/// What traces and metrics are of: what `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` say, and this
/// program otherwise.
pub(super) fn resource() -> Resource {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let attributes = variable("OTEL_RESOURCE_ATTRIBUTES");
    let has = |name: &str| {
        let mut names = attributes
            .split(',')
            .filter_map(|entry| entry.split_once('='));
        names.any(|(key, _)| key.trim() == name)
    };
    let mut resource = Resource::builder();
    if variable("OTEL_SERVICE_NAME").is_empty() && !has("service.name") {
        resource = resource.with_service_name("tripgraph");
    }
    if !has("service.version") {
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        resource = resource.with_attribute(version);
    }
    resource.build()
}
