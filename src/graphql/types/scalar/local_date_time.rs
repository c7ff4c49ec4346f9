use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use chrono::NaiveDateTime;

const FORMAT: &str = "%Y-%m-%dT%H:%M:%S%.f";

/// A wall-clock time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LocalDateTime(pub NaiveDateTime);

/// Wall-clock time without a time zone: `YYYY-MM-DDTHH:MM:SS`, with a fraction of a second if there
/// is one.
#[Scalar(name = "LocalDateTime")]
impl ScalarType for LocalDateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => Ok(Self(NaiveDateTime::parse_from_str(text, FORMAT)?)),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.format(FORMAT).to_string())
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::value;

    use super::*;

    #[test]
    fn has_a_fraction_where_there_is_one() {
        for text in [
            "2018-05-28T09:03:40",
            "2018-05-28T09:03:40.500",
            "2018-05-28T09:03:40.000001",
        ] {
            assert_eq!(
                LocalDateTime::parse(value!(text)).unwrap().to_value(),
                value!(text)
            );
        }
    }
}
