//! The parameters of an export as a JSON object: of the same names and texts as in a URL, or with
//! numbers and lists, as GraphQL has them.

use serde_json::{Map, Value};

use super::{ExportParams, ParamError, Subject};

impl ExportParams {
    /// Sets the parameters of a JSON object. Its member `area` is an area as in GraphQL.
    pub fn set_json(&mut self, subject: Subject, json: &[u8]) -> Result<(), ParamError> {
        let wrong = |message: String| ParamError::new("body", message);
        let value: Value = serde_json::from_slice(json)
            .map_err(|error| wrong(format!("the request is not JSON: {error}")))?;
        let Value::Object(members) = value else {
            return Err(wrong("the request is not a JSON object".to_owned()));
        };
        for (name, value) in members {
            if name == "area" {
                self.set_area(subject, value)?;
            } else {
                self.set_value(subject, &name, &value)?;
            }
        }
        Ok(())
    }

    fn set_area(&mut self, subject: Subject, area: Value) -> Result<(), ParamError> {
        let wrong = || {
            let message = "is not an object with one of bbox, polygon, cells and zone";
            ParamError::new("area", message)
        };
        let members = match area {
            Value::Null => return Ok(()),
            Value::Object(members) => members,
            _ => return Err(wrong()),
        };
        let mut given = members.into_iter().filter(|(_, value)| !value.is_null());
        let (Some((name, value)), None) = (given.next(), given.next()) else {
            return Err(wrong());
        };
        match (name.as_str(), value) {
            ("bbox", Value::Object(members)) => self.set_box(subject, members),
            ("bbox" | "polygon" | "cells" | "zone", value) => {
                self.set_value(subject, &name, &value)
            }
            _ => Err(wrong()),
        }
    }

    fn set_box(
        &mut self,
        subject: Subject,
        mut members: Map<String, Value>,
    ) -> Result<(), ParamError> {
        let wrong = || {
            let message =
                "is not an object of the numbers west, south, east and north, and borders";
            ParamError::new("bbox", message)
        };
        let mut degrees = Vec::new();
        for name in ["west", "south", "east", "north"] {
            match members.remove(name) {
                Some(Value::Number(number)) => degrees.push(number.to_string()),
                _ => return Err(wrong()),
            }
        }
        self.set(subject, "bbox", degrees.join(","))?;
        if let Some(borders) = members.remove("borders") {
            self.set_value(subject, "borders", &borders)?;
        }
        members.is_empty().then_some(()).ok_or_else(wrong)
    }

    fn set_value(&mut self, subject: Subject, name: &str, value: &Value) -> Result<(), ParamError> {
        let text = match (name, value) {
            (_, Value::Null) => return Ok(()),
            (_, Value::String(text)) => text.clone(),
            (_, Value::Number(number)) => number.to_string(),
            ("polygon", value) => value.to_string(),
            ("bbox" | "cells" | "daysOfWeek" | "timeRanges", Value::Array(items)) => {
                let items: Option<Vec<_>> = items.iter().map(item).collect();
                let wrong = || ParamError::new(name, "has an item that it cannot have");
                items.ok_or_else(wrong)?.join(",")
            }
            _ => {
                // Whether there is such a parameter at all.
                self.set(subject, name, String::new())?;
                return Err(ParamError::new(name, "is neither a text nor a number"));
            }
        };
        self.set(subject, name, text)
    }
}

/// An item of a list as a text.
fn item(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Object(range) if range.len() == 2 => {
            let time = |name| range.get(name).and_then(Value::as_str);
            Some(format!("{}-{}", time("from")?, time("to")?))
        }
        _ => None,
    }
}
