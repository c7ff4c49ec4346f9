//! Coercion of the values of variables to the variables' types.

use apollo_compiler::ast::{Type, VariableDefinition};
use apollo_compiler::executable::Operation;
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::{Name, Node};
use async_graphql::indexmap::IndexMap;
use async_graphql::{Name as Key, Number, Value, Variables};

use super::super::{ApiError, types::check_scalar};
use super::{SCHEMA, convert};

/// Coerces the values of an operation's variables and adds their defaults. A variable without a
/// value and a default remains without a value.
/// <https://spec.graphql.org/September2025/#CoerceVariableValues()>
///
/// # Errors
///
/// The variable whose value is missing or invalid, and the error.
pub(super) fn coerce<'a>(
    operation: &'a Operation,
    given: &Variables,
) -> Result<Variables, (&'a Node<VariableDefinition>, ApiError)> {
    let mut values = Variables::default();
    for definition in &operation.variables {
        let name = definition.name.as_str();
        let value = match (given.get(name), &definition.default_value) {
            (Some(value), _) if *value != Value::Null || !definition.ty.is_non_null() => {
                coerced(value, &definition.ty).map_err(|wrong| {
                    let message = format!("invalid value of the variable `${name}`: {wrong}");
                    (definition, ApiError::bad_input(message))
                })?
            }
            (None, Some(default)) => convert::constant(default).unwrap_or_default(),
            (None, None) if !definition.ty.is_non_null() => continue,
            _ => return Err((definition, missing(definition))),
        };
        values.insert(Key::new(name), value);
    }
    Ok(values)
}

fn missing(definition: &VariableDefinition) -> ApiError {
    let VariableDefinition { name, ty, .. } = definition;
    let mut message = format!("the variable `${name}` of type `{ty}` has no value");
    if ty.inner_named_type() == "Upload" {
        message.push_str(
            ": send the file as multipart/form-data (GraphQL multipart request specification)",
        );
    }
    ApiError::bad_input(message)
}

/// Coerces a value to a type; the error says what is wrong. The type limits the recursion in lists,
/// and the nesting limit of JSON that in input objects.
fn coerced(value: &Value, ty: &Type) -> Result<Value, String> {
    if *value == Value::Null {
        return if ty.is_non_null() {
            Err(format!("null is not allowed for `{ty}`"))
        } else {
            Ok(Value::Null)
        };
    }
    if ty.is_list() {
        // A single value is coerced to a list with one item.
        let items = match value {
            Value::List(items) => items.as_slice(),
            single => std::slice::from_ref(single),
        };
        let items = items.iter().map(|item| coerced(item, ty.item_type()));
        return items.collect::<Result<_, _>>().map(Value::List);
    }
    let name = ty.inner_named_type();
    let accepted = match SCHEMA.types.get(name) {
        Some(ExtendedType::InputObject(input)) => {
            let Value::Object(fields) = value else {
                return Err(wrong(value, name));
            };
            if let Some(unknown) = fields
                .keys()
                .find(|key| !input.fields.contains_key(key.as_str()))
            {
                return Err(format!("`{name}` has no field `{unknown}`"));
            }
            let mut object = IndexMap::new();
            for (field, definition) in &input.fields {
                let inner = |wrong| format!("{field}: {wrong}");
                if let Some(value) = fields.get(field.as_str()) {
                    let value = coerced(value, &definition.ty).map_err(inner)?;
                    object.insert(Key::new(field), value);
                } else if definition.is_required() {
                    return Err(format!("the field `{field}` of `{name}` is missing"));
                }
            }
            return Ok(Value::Object(object));
        }
        Some(ExtendedType::Enum(known)) => match value {
            Value::String(text) => known.values.keys().any(|value| value.as_str() == text),
            _ => false,
        },
        _ => match name.as_str() {
            "Int" => return whole(value).ok_or_else(|| wrong(value, name)),
            "Float" => matches!(value, Value::Number(_)),
            "String" => matches!(value, Value::String(_)),
            "Boolean" => matches!(value, Value::Boolean(_)),
            "ID" => match value {
                Value::String(_) => true,
                Value::Number(number) => number.is_i64() || number.is_u64(),
                _ => false,
            },
            _ => {
                return check_scalar(name, value)
                    .map(|()| value.clone())
                    .map_err(|e| e.message);
            }
        },
    };
    if accepted {
        Ok(value.clone())
    } else {
        Err(wrong(value, name))
    }
}

fn wrong(value: &Value, name: &Name) -> String {
    let value: String = value.to_string().chars().take(100).collect();
    format!("{value} is not of type `{name}`")
}

/// A 32-bit integer; `20.0` and `-0` are integers, too.
fn whole(value: &Value) -> Option<Value> {
    let Value::Number(number) = value else {
        return None;
    };
    let whole = |float: &f64| float.fract() == 0.0 && float.abs() <= f64::from(i32::MAX) + 1.0;
    #[expect(clippy::cast_possible_truncation, reason = "whole and within 33 bits")]
    let float = || number.as_f64().filter(whole).map(|float| float as i64);
    let integer = number.as_i64().or_else(float)?;
    let integer = i32::try_from(integer).ok()?;
    Some(Value::Number(Number::from(integer)))
}
