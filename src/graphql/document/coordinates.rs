//! The fields, arguments and input fields that an operation uses, as schema coordinates:
//! `Query.trips`, `Query.weeklyAverage(bbox:)`, `TripFilter.ingestion`.
//! <https://spec.graphql.org/September2025/#sec-Schema-Coordinates>

use std::collections::HashSet;

use apollo_compiler::Name;
use apollo_compiler::ast::Type;
use apollo_compiler::executable::{ExecutableDocument, Field, Operation, Selection, SelectionSet};
use apollo_compiler::schema::ExtendedType;
use async_graphql::{Value, Variables};

use super::{SCHEMA, convert};

/// The first coordinate of an operation that `allows` rejects. Arguments and input fields count if
/// they have a value that is not null. Introspection is not included.
pub(super) fn rejected(
    document: &ExecutableDocument,
    operation: &Operation,
    variables: &Variables,
    allows: &dyn Fn(&str) -> bool,
) -> Option<String> {
    let mut walk = Walk {
        document,
        variables,
        allows,
        seen: HashSet::new(),
    };
    walk.selections(&operation.selection_set).err()
}

struct Walk<'a> {
    document: &'a ExecutableDocument,
    variables: &'a Variables,
    allows: &'a dyn Fn(&str) -> bool,
    /// Fragments that are already checked.
    seen: HashSet<&'a Name>,
}

impl<'a> Walk<'a> {
    fn check(&self, coordinate: String) -> Result<(), String> {
        if (self.allows)(&coordinate) {
            Ok(())
        } else {
            Err(coordinate)
        }
    }

    fn selections(&mut self, set: &'a SelectionSet) -> Result<(), String> {
        for selection in &set.selections {
            match selection {
                Selection::Field(field) if field.name.starts_with("__") => {}
                Selection::Field(field) => {
                    self.field(&set.ty, field)?;
                    self.selections(&field.selection_set)?;
                }
                Selection::InlineFragment(inline) => self.selections(&inline.selection_set)?,
                Selection::FragmentSpread(spread) => {
                    let fragment = self.document.fragments.get(&spread.fragment_name);
                    if let Some(fragment) = fragment
                        && self.seen.insert(&fragment.name)
                    {
                        self.selections(&fragment.selection_set)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn field(&self, parent: &Name, field: &Field) -> Result<(), String> {
        self.check(format!("{parent}.{}", field.name))?;
        for argument in &field.arguments {
            let value = convert::value(&argument.value, self.variables);
            if value == Value::Null {
                continue;
            }
            self.check(format!("{parent}.{}({}:)", field.name, argument.name))?;
            let definitions = &field.definition.arguments;
            let definition = definitions.iter().find(|known| known.name == argument.name);
            if let Some(definition) = definition {
                self.value(&value, &definition.ty)?;
            }
        }
        Ok(())
    }

    /// Checks the input fields in a value.
    fn value(&self, value: &Value, ty: &Type) -> Result<(), String> {
        match value {
            Value::List(items) => items
                .iter()
                .try_for_each(|item| self.value(item, ty.item_type())),
            Value::Object(fields) => {
                let name = ty.inner_named_type();
                let Some(ExtendedType::InputObject(input)) = SCHEMA.types.get(name) else {
                    // An object of a scalar.
                    return Ok(());
                };
                for (field, value) in fields.iter().filter(|(_, value)| **value != Value::Null) {
                    self.check(format!("{name}.{field}"))?;
                    if let Some(definition) = input.fields.get(field.as_str()) {
                        self.value(value, &definition.ty)?;
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
