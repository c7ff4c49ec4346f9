use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use chrono::NaiveDate;

const FORMAT: &str = "%Y-%m-%d";

/// A calendar date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Date(pub NaiveDate);

/// A calendar date: `YYYY-MM-DD`.
#[Scalar(name = "Date")]
impl ScalarType for Date {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            // Exactly ten characters: chrono would also accept `2024-1-5`.
            Value::String(text) if text.len() == 10 => NaiveDate::parse_from_str(text, FORMAT)
                .map(Self)
                .map_err(|_| {
                    InputValueError::custom(format_args!("`{text}` is not a date, YYYY-MM-DD"))
                }),
            _ => Err(InputValueError::custom(format_args!(
                "{value} is not a date, YYYY-MM-DD"
            ))),
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
    fn reads_what_it_writes() {
        let date = Date::parse(value!("2024-02-29")).unwrap();
        assert_eq!(date.to_value(), value!("2024-02-29"));
    }

    #[test]
    fn refuses_what_is_no_date() {
        for value in [
            value!("2023-02-29"),
            value!("2024-1-5"),
            value!("2024-01-01T00:00"),
            value!(2024),
        ] {
            assert!(Date::parse(value).is_err());
        }
    }
}
