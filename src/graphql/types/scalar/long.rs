use async_graphql::{InputValueError, InputValueResult, Number, Scalar, ScalarType, Value};

use crate::graphql::ApiError;

/// A signed 64-bit integer, sent as a JSON number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Long(pub i64);

impl Long {
    /// The number as a count; an error if it is negative.
    pub(crate) fn count(self, name: &str) -> Result<u64, ApiError> {
        u64::try_from(self.0)
            .map_err(|_| ApiError::bad_input(format_args!("`{name}` is {}, less than 0", self.0)))
    }
}

impl From<u64> for Long {
    /// Converts a count; values above `i64::MAX` become `i64::MAX`.
    fn from(count: u64) -> Self {
        Self(i64::try_from(count).unwrap_or(i64::MAX))
    }
}

/// A signed 64-bit integer, sent as a JSON number.
#[Scalar(name = "Long")]
impl ScalarType for Long {
    fn parse(value: Value) -> InputValueResult<Self> {
        integer(&value)
            .map(Self)
            .ok_or_else(|| InputValueError::expected_type(value))
    }

    fn is_valid(value: &Value) -> bool {
        integer(value).is_some()
    }

    fn to_value(&self) -> Value {
        Value::Number(self.0.into())
    }
}

fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| whole(number)),
        _ => None,
    }
}

/// Accepts `1000.0` and `1e3`: some clients have only floating-point numbers.
#[expect(clippy::cast_possible_truncation, reason = "whole and within ±2^53")]
fn whole(number: &Number) -> Option<i64> {
    number
        .as_f64()
        .filter(|float| float.fract() == 0.0 && float.abs() <= 9_007_199_254_740_992.0)
        .map(|float| float as i64)
}

#[cfg(test)]
mod tests {
    use async_graphql::value;

    use super::*;

    #[test]
    fn holds_64_bits() {
        for number in [0, -1, i64::MIN, i64::MAX] {
            assert_eq!(Long::parse(Long(number).to_value()).unwrap(), Long(number));
        }
        assert_eq!(Long::from(u64::MAX), Long(i64::MAX));
    }

    #[test]
    fn takes_whole_numbers_only() {
        assert_eq!(Long::parse(value!(1e3)).unwrap(), Long(1000));
        for value in [
            value!(1.5),
            value!("1"),
            value!(true),
            value!(null),
            value!(u64::MAX),
        ] {
            assert!(Long::parse(value.clone()).is_err(), "{value}");
            assert!(!Long::is_valid(&value), "{value}");
        }
    }
}
