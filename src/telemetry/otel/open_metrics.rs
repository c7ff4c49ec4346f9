//! Turns the text of `/metrics` into messages of OTLP, under the same names. The library of the metrics
//! writes only text.

use std::collections::HashMap;

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, Sum,
};

/// The time that the values are of, and since when counters count, in nanoseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(super) struct Period {
    pub(super) start: u64,
    pub(super) end: u64,
}

/// The metrics of a text in the `OpenMetrics` format. Lines that are not understood are left out.
pub(super) fn metrics(text: &str, period: Period) -> Vec<Metric> {
    let mut metrics: Vec<Metric> = Vec::new();
    let mut family = Family::default();
    for line in text.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            let mut words = comment.splitn(3, ' ');
            let (Some(keyword), Some(name)) = (words.next(), words.next()) else {
                continue;
            };
            if name != family.name {
                metrics.extend(std::mem::take(&mut family).metric(period));
                name.clone_into(&mut family.name);
            }
            let rest = words.next().unwrap_or_default().to_owned();
            match keyword {
                "HELP" => family.help = rest,
                "UNIT" => family.unit = rest,
                "TYPE" => family.kind = rest,
                _ => {}
            }
        } else if let Some(sample) = sample(line) {
            family.samples.push(sample);
        }
    }
    metrics.extend(family.metric(period));
    metrics
}

/// A metric with all its series.
#[derive(Debug, Default)]
struct Family<'a> {
    name: String,
    help: String,
    unit: String,
    kind: String,
    samples: Vec<Sample<'a>>,
}

/// A line with a value.
#[derive(Debug)]
struct Sample<'a> {
    name: &'a str,
    labels: Vec<(&'a str, String)>,
    value: &'a str,
}

impl Family<'_> {
    /// As a message; `None` if it has no series.
    fn metric(self, period: Period) -> Option<Metric> {
        let first = self.samples.first()?.name;
        let name = match self.kind.as_str() {
            "histogram" => self.name.clone(),
            // Of a counter, it has an ending.
            _ => first.to_owned(),
        };
        let cumulative = AggregationTemporality::Cumulative.into();
        let data = match self.kind.as_str() {
            "counter" => Data::Sum(Sum {
                data_points: self.numbers(period),
                aggregation_temporality: cumulative,
                is_monotonic: true,
            }),
            "gauge" => Data::Gauge(Gauge {
                data_points: self.numbers(period),
            }),
            "histogram" => Data::Histogram(Histogram {
                data_points: self.histograms(period),
                aggregation_temporality: cumulative,
            }),
            _ => return None,
        };
        Some(Metric {
            name,
            description: self.help,
            unit: match self.unit.as_str() {
                "seconds" => "s".to_owned(),
                "bytes" => "By".to_owned(),
                other => other.to_owned(),
            },
            data: Some(data),
            ..Metric::default()
        })
    }

    fn numbers(&self, period: Period) -> Vec<NumberDataPoint> {
        let points = self.samples.iter().filter_map(|sample| {
            let value = Number::AsDouble(sample.value.parse().ok()?);
            Some(NumberDataPoint {
                attributes: attributes(&sample.labels),
                start_time_unix_nano: period.start,
                time_unix_nano: period.end,
                value: Some(value),
                ..NumberDataPoint::default()
            })
        });
        points.collect()
    }

    fn histograms(&self, period: Period) -> Vec<HistogramDataPoint> {
        let mut points: Vec<HistogramDataPoint> = Vec::new();
        let mut places = HashMap::new();
        for sample in &self.samples {
            let mut labels = sample.labels.clone();
            labels.retain(|(name, _)| *name != "le");
            let place = *places.entry(labels.clone()).or_insert(points.len());
            if place == points.len() {
                points.push(HistogramDataPoint {
                    attributes: attributes(&labels),
                    start_time_unix_nano: period.start,
                    time_unix_nano: period.end,
                    ..HistogramDataPoint::default()
                });
            }
            let point = &mut points[place];
            let ending = sample.name.strip_prefix(self.name.as_str());
            match ending {
                Some("_sum") => point.sum = sample.value.parse().ok(),
                Some("_count") => point.count = sample.value.parse().unwrap_or_default(),
                Some("_bucket") => {
                    // Each bucket has those of the buckets below.
                    let below: u64 = point.bucket_counts.iter().sum();
                    let count: u64 = sample.value.parse().unwrap_or_default();
                    point.bucket_counts.push(count.saturating_sub(below));
                    let bound = sample.labels.iter().find(|(name, _)| *name == "le");
                    let bound = bound.and_then(|(_, bound)| bound.parse().ok());
                    point
                        .explicit_bounds
                        .extend(bound.filter(|bound: &f64| bound.is_finite()));
                }
                _ => {}
            }
        }
        points
    }
}

/// The name, the labels and the value of a line.
fn sample(line: &str) -> Option<Sample<'_>> {
    let end = line.find(['{', ' '])?;
    let (name, mut rest) = line.split_at(end);
    let mut labels = Vec::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        while !rest.starts_with('}') {
            let (label, after) = rest.trim_start_matches(',').split_once("=\"")?;
            let (value, after) = quoted(after)?;
            labels.push((label, value));
            rest = after;
        }
        rest = &rest[1..];
    }
    let value = rest.split_whitespace().next()?;
    Some(Sample {
        name,
        labels,
        value,
    })
}

/// The text up to a quotation mark, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((place, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[place + 1..])),
            '\\' => match characters.next()?.1 {
                'n' => value.push('\n'),
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
    None
}

fn attributes(labels: &[(&str, String)]) -> Vec<KeyValue> {
    let attributes = labels.iter().map(|(name, value)| KeyValue {
        key: (*name).to_owned(),
        value: Some(AnyValue {
            value: Some(Value::StringValue(value.clone())),
        }),
        ..KeyValue::default()
    });
    attributes.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"# HELP errors Errors.
# TYPE errors counter
errors_total{code="A\"\\\n,}"} 3
errors_total{code="B"} 0
# HELP memory_bytes Memory.
# TYPE memory_bytes gauge
# UNIT memory_bytes bytes
memory_bytes 1.5
# HELP empty None.
# TYPE empty gauge
# HELP took_seconds Time.
# TYPE took_seconds histogram
# UNIT took_seconds seconds
took_seconds_sum{path="/"} 2.5
took_seconds_count{path="/"} 4
took_seconds_bucket{le="0.5",path="/"} 1
took_seconds_bucket{le="1.0",path="/"} 3
took_seconds_bucket{le="+Inf",path="/"} 4
# EOF
"#;

    #[test]
    fn each_kind_is_converted() {
        let metrics = metrics(TEXT, Period { start: 1, end: 2 });
        let names: Vec<_> = metrics.iter().map(|metric| metric.name.as_str()).collect();
        assert_eq!(names, ["errors_total", "memory_bytes", "took_seconds"]);
        let Some(Data::Sum(errors)) = &metrics[0].data else {
            panic!("{metrics:?}");
        };
        assert!(errors.is_monotonic);
        assert_eq!(errors.data_points.len(), 2);
        let first = &errors.data_points[0];
        assert_eq!(first.value, Some(Number::AsDouble(3.0)));
        assert_eq!((first.start_time_unix_nano, first.time_unix_nano), (1, 2));
        let code = first.attributes[0].value.clone().unwrap().value;
        assert_eq!(code, Some(Value::StringValue("A\"\\\n,}".to_owned())));
        assert_eq!(
            (&*metrics[1].unit, &*metrics[1].description),
            ("By", "Memory.")
        );
        let Some(Data::Gauge(memory)) = &metrics[1].data else {
            panic!("{metrics:?}");
        };
        assert_eq!(memory.data_points[0].value, Some(Number::AsDouble(1.5)));
        let Some(Data::Histogram(took)) = &metrics[2].data else {
            panic!("{metrics:?}");
        };
        let point = &took.data_points[0];
        assert_eq!((point.count, point.sum), (4, Some(2.5)));
        assert_eq!(point.bucket_counts, [1, 2, 1]);
        assert_eq!(point.explicit_bounds, [0.5, 1.0]);
        assert_eq!(point.attributes.len(), 1);
    }
}
