//! What the `OTEL_*` variables ask for. The SDK reads those of sampling, batches, limits and resources
//! itself, and the exporter those of its endpoint, headers and timeouts.

/// The signals that are exported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) traces: bool,
    pub(super) metrics: bool,
}

impl Settings {
    /// Reads the variables. The texts say why a signal that seems to be wanted is not exported.
    pub(super) fn read(variable: impl Fn(&str) -> Option<String>) -> (Self, Vec<String>) {
        // An empty variable is the same as none, and blanks around a value mean nothing.
        let variable = |name: &str| {
            let value = variable(name)?.trim().to_owned();
            (!value.is_empty()).then_some(value)
        };
        let mut problems = Vec::new();
        let disabled = variable("OTEL_SDK_DISABLED");
        if disabled.is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return (Self::default(), problems);
        }
        let mut is_on = |signal: &str| {
            let either = |name: &str| {
                let names = [
                    format!("OTEL_EXPORTER_OTLP_{signal}_{name}"),
                    format!("OTEL_EXPORTER_OTLP_{name}"),
                ];
                names
                    .into_iter()
                    .find_map(|name| variable(&name).map(|value| (name, value)))
            };
            if either("ENDPOINT").is_none() {
                return false;
            }
            let exporter = format!("OTEL_{signal}_EXPORTER");
            match variable(&exporter).as_deref() {
                None | Some("otlp") => {}
                Some("none") => return false,
                Some(other) => {
                    problems.push(format!(
                        "{exporter} is {other:?}, so {} are not sent: the only values are otlp and none",
                        signal.to_lowercase()
                    ));
                    return false;
                }
            }
            match either("PROTOCOL") {
                None => true,
                Some((_, protocol)) if protocol == "http/protobuf" => true,
                Some((name, protocol)) => {
                    problems.push(format!(
                        "{name} is {protocol:?}, so {} are not sent: the only protocol is http/protobuf, \
                         for which a collector usually listens on port 4318",
                        signal.to_lowercase()
                    ));
                    false
                }
            }
        };
        let (traces, metrics) = (is_on("TRACES"), is_on("METRICS"));
        (Self { traces, metrics }, problems)
    }

    /// Whether anything is exported.
    pub(super) const fn is_on(self) -> bool {
        self.traces || self.metrics
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> (bool, bool, Vec<String>) {
        let (settings, problems) = Settings::read(|name| {
            let mut found = variables.iter().filter(|(key, _)| *key == name);
            found.next().map(|(_, value)| (*value).to_owned())
        });
        (settings.traces, settings.metrics, problems)
    }

    #[test]
    fn an_endpoint_switches_signals_on() {
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318");
        let none = Vec::new();
        assert_eq!(read(&[]), (false, false, none.clone()));
        assert_eq!(
            read(&[("OTEL_EXPORTER_OTLP_ENDPOINT", " ")]),
            (false, false, none.clone())
        );
        assert_eq!(read(&[endpoint]), (true, true, none.clone()));
        let traces = (
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            "http://c:4318/v1/traces",
        );
        assert_eq!(read(&[traces]), (true, false, none.clone()));
        let disabled = ("OTEL_SDK_DISABLED", "TRUE");
        assert_eq!(read(&[endpoint, disabled]), (false, false, none.clone()));
        let no_traces = ("OTEL_TRACES_EXPORTER", "none");
        assert_eq!(read(&[endpoint, no_traces]), (false, true, none));
    }

    #[test]
    fn what_is_not_supported_is_said() {
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4317");
        let (traces, metrics, problems) =
            read(&[endpoint, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]);
        assert!(!traces && !metrics);
        assert_eq!(problems.len(), 2);
        assert!(
            problems[0]
                .starts_with("OTEL_EXPORTER_OTLP_PROTOCOL is \"grpc\", so traces are not sent"),
            "{problems:?}"
        );
        let both = [
            endpoint,
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf"),
            ("OTEL_METRICS_EXPORTER", "prometheus"),
        ];
        let (traces, metrics, problems) = read(&both);
        assert!(traces && !metrics);
        assert!(
            problems[0].starts_with("OTEL_METRICS_EXPORTER is"),
            "{problems:?}"
        );
    }
}
