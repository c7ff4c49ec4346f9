//! Checks in literals that `apollo-compiler` lacks: the values of custom scalars, duplicate fields
//! of an input object, and variables within an input object or a list.

use std::collections::HashSet;

use apollo_compiler::ast::{Type, Value, VariableDefinition};
use apollo_compiler::executable::{
    Argument, Directive, ExecutableDocument, Operation, Selection, SelectionSet,
};
use apollo_compiler::schema::{ExtendedType, InputValueDefinition};
use apollo_compiler::{Name, Node};
use async_graphql::ServerError;

use super::super::{ApiError, types::check_scalar};
use super::{MAX_ERRORS, SCHEMA, convert, located};

/// The errors in the literals of a document that is otherwise valid.
pub(super) fn check(document: &ExecutableDocument) -> Vec<ServerError> {
    let mut errors = Vec::new();
    for operation in document.operations.iter() {
        let mut checker = Checker {
            document,
            variables: &operation.variables,
            seen: HashSet::new(),
            errors: Vec::new(),
        };
        checker.operation(operation);
        errors.append(&mut checker.errors);
        if errors.len() >= MAX_ERRORS {
            break;
        }
    }
    errors.truncate(MAX_ERRORS);
    errors
}

struct Checker<'a> {
    document: &'a ExecutableDocument,
    /// The variables of the operation.
    variables: &'a [Node<VariableDefinition>],
    /// Fragments that are already checked.
    seen: HashSet<&'a Name>,
    errors: Vec<ServerError>,
}

impl<'a> Checker<'a> {
    fn operation(&mut self, operation: &'a Operation) {
        for variable in &operation.variables {
            if let Some(default) = &variable.default_value {
                self.value(default, &variable.ty, false);
            }
        }
        self.directives(&operation.directives);
        self.selections(&operation.selection_set);
    }

    fn selections(&mut self, set: &'a SelectionSet) {
        for selection in &set.selections {
            self.directives(selection.directives());
            match selection {
                Selection::Field(field) => {
                    self.arguments(&field.arguments, &field.definition.arguments);
                    self.selections(&field.selection_set);
                }
                Selection::InlineFragment(inline) => self.selections(&inline.selection_set),
                Selection::FragmentSpread(spread) => {
                    let fragment = self.document.fragments.get(&spread.fragment_name);
                    if let Some(fragment) = fragment
                        && self.seen.insert(&fragment.name)
                    {
                        self.directives(&fragment.directives);
                        self.selections(&fragment.selection_set);
                    }
                }
            }
        }
    }

    fn directives(&mut self, directives: &[Node<Directive>]) {
        for directive in directives {
            if let Some(definition) = SCHEMA.directive_definitions.get(&directive.name) {
                self.arguments(&directive.arguments, &definition.arguments);
            }
        }
    }

    fn arguments(
        &mut self,
        arguments: &[Node<Argument>],
        definitions: &[Node<InputValueDefinition>],
    ) {
        for argument in arguments {
            let named = |definition: &&Node<InputValueDefinition>| definition.name == argument.name;
            if let Some(definition) = definitions.iter().find(named) {
                let has_default = definition.default_value.is_some();
                self.value(&argument.value, &definition.ty, has_default);
            }
        }
    }

    /// Checks a literal for an argument or a field of this type; `has_default` says whether that
    /// argument or field has a default.
    fn value(&mut self, value: &Node<Value>, ty: &Type, has_default: bool) {
        match (&**value, SCHEMA.types.get(ty.inner_named_type())) {
            (Value::Null, _) => {}
            (Value::Variable(name), _) => self.variable(value, name, ty, has_default),
            (Value::List(items), _) if ty.is_list() => {
                for item in items {
                    self.value(item, ty.item_type(), false);
                }
            }
            // A single value is coerced to a list with one item.
            _ if ty.is_list() => self.value(value, ty.item_type(), false),
            (Value::Object(fields), Some(ExtendedType::InputObject(input))) => {
                let mut names = HashSet::new();
                for (name, value) in fields {
                    if !names.insert(name) {
                        let message = format!("the field `{name}` of `{ty}` is specified twice");
                        self.report(value, ApiError::bad_input(message));
                    }
                    if let Some(field) = input.fields.get(name) {
                        self.value(value, &field.ty, field.default_value.is_some());
                    }
                }
            }
            (_, Some(ExtendedType::Scalar(scalar))) => {
                // A literal that contains variables is checked when the scalar is parsed.
                if let Some(literal) = convert::constant(value)
                    && let Err(error) = check_scalar(&scalar.name, &literal)
                {
                    self.report(value, ApiError::bad_input(error.message));
                }
            }
            _ => {}
        }
    }

    /// <https://spec.graphql.org/September2025/#IsVariableUsageAllowed()>
    fn variable(&mut self, value: &Node<Value>, name: &Name, ty: &Type, has_default: bool) {
        let named = |definition: &&Node<VariableDefinition>| definition.name == *name;
        let Some(definition) = self.variables.iter().find(named) else {
            return;
        };
        let default = definition.default_value.as_ref();
        let never_null = default.is_some_and(|value| !value.is_null()) || has_default;
        let allowed = if ty.is_non_null() && never_null {
            definition.ty.is_assignable_to(&ty.clone().nullable())
                || definition.ty.is_assignable_to(ty)
        } else {
            definition.ty.is_assignable_to(ty)
        };
        if !allowed {
            let of_type = &definition.ty;
            let message = format!("the variable `${name}` of type `{of_type}` is used as `{ty}`");
            self.report(value, ApiError::bad_input(message));
        }
    }

    fn report(&mut self, value: &Node<Value>, error: ApiError) {
        if self.errors.len() < MAX_ERRORS {
            let position = value
                .location()
                .and_then(|span| span.line_column(&self.document.sources))
                .map(|at| async_graphql::Pos {
                    line: at.line,
                    column: at.column,
                });
            self.errors.push(located(error.into(), position));
        }
    }
}
