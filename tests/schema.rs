//! The printed schema holds everything that clients were promised, and explains all of it.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeMap;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    FieldDefinition, InputValueDefinition, ServiceDocument, TypeKind, TypeSystemDefinition,
};

/// What was promised; fixed.
const CONTRACT: &str = include_str!("contract/contract.graphql");

/// Each element of a schema by its path, and what is said of it.
fn elements(sdl: &str) -> BTreeMap<String, (String, bool)> {
    let document: ServiceDocument = parse_schema(sdl).unwrap();
    let mut all = BTreeMap::new();
    for definition in document.definitions {
        let TypeSystemDefinition::Type(definition) = definition else {
            continue;
        };
        let definition = definition.node;
        let name = definition.name.node.to_string();
        let told = definition.description.is_some();
        let kind = match definition.kind {
            TypeKind::Scalar => "scalar",
            TypeKind::Object(object) => {
                for field in object.fields {
                    of_field(&name, &field.node, &mut all);
                }
                "type"
            }
            TypeKind::InputObject(object) => {
                for field in object.fields {
                    of_input(&name, &field.node, &mut all);
                }
                "input"
            }
            TypeKind::Enum(values) => {
                for value in values.values {
                    let value = value.node;
                    all.insert(
                        format!("{name}.{}", value.value.node),
                        (String::new(), value.description.is_some()),
                    );
                }
                "enum"
            }
            TypeKind::Interface(_) | TypeKind::Union(_) => "other",
        };
        all.insert(name, (kind.to_owned(), told));
    }
    all
}

fn of_field(of: &str, field: &FieldDefinition, all: &mut BTreeMap<String, (String, bool)>) {
    let path = format!("{of}.{}", field.name.node);
    for argument in &field.arguments {
        of_input(&path, &argument.node, all);
    }
    all.insert(
        path,
        (field.ty.node.to_string(), field.description.is_some()),
    );
}

fn of_input(of: &str, input: &InputValueDefinition, all: &mut BTreeMap<String, (String, bool)>) {
    let default = input
        .default_value
        .as_ref()
        .map(|value| format!(" = {}", value.node))
        .unwrap_or_default();
    let said = format!("{}{default}", input.ty.node);
    all.insert(
        format!("{of}.{}", input.name.node),
        (said, input.description.is_some()),
    );
}

#[test]
fn holds_the_contract() {
    let ours = elements(&tripgraph::graphql::sdl());
    let mut differences = Vec::new();
    for (path, (promised, _)) in elements(CONTRACT) {
        match ours.get(&path) {
            None => differences.push(format!("{path}: missing")),
            Some((said, _)) if *said != promised => {
                differences.push(format!("{path}: `{promised}` was promised, it is `{said}`"));
            }
            Some(_) => {}
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn explains_itself() {
    let silent: Vec<_> = elements(&tripgraph::graphql::sdl())
        .into_iter()
        .filter(|(_, (_, told))| !told)
        .map(|(path, _)| path)
        .collect();
    assert!(silent.is_empty(), "no description: {}", silent.join(", "));
}
