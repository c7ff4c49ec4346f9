use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};

/// A GeoJSON object.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct GeoJson(pub serde_json::Value);

/// A GeoJSON object.
#[Scalar(
    name = "GeoJSON",
    specified_by_url = "https://www.rfc-editor.org/rfc/rfc7946"
)]
impl ScalarType for GeoJson {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::Object(_) => Ok(Self(value.into_json()?)),
            _ => Err(InputValueError::custom("a GeoJSON value is an object")),
        }
    }

    fn is_valid(value: &Value) -> bool {
        matches!(value, Value::Object(_))
    }

    fn to_value(&self) -> Value {
        Value::from_json(self.0.clone()).unwrap_or_default()
    }
}
