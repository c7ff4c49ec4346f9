//! Conversion of a valid operation to the types of `async-graphql`, which executes it.

use std::convert::Infallible;

use apollo_compiler::executable::{self, Argument, ExecutableDocument, Operation, Selection};
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::{Name, Node, ast};
use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types;
use async_graphql::{Name as Key, Number, Pos, Positioned, Value, Variables};
use async_graphql_value::Value as Literal;

use super::root_fields;

/// Converts one operation and all fragments of the document. Arguments and fields of input objects
/// whose variable has no value are left out, so that they get their defaults.
pub(super) fn document(
    text: &str,
    document: &ExecutableDocument,
    operation: &Node<Operation>,
    variables: &Variables,
) -> types::ExecutableDocument {
    let mut converter = Converter {
        cursor: Cursor::new(text),
        variables,
    };
    let operation = converter.operation(document, operation);
    let fragments = document.fragments.iter().map(|(name, fragment)| {
        let at = converter.cursor.at(fragment.location());
        let definition = types::FragmentDefinition {
            type_condition: condition(fragment.type_condition(), at),
            directives: converter.directives(&fragment.directives),
            selection_set: converter.selections(&fragment.selection_set.selections, at),
        };
        (Key::new(name), Positioned::new(definition, at))
    });
    types::ExecutableDocument {
        fragments: fragments.collect(),
        operations: types::DocumentOperations::Single(operation),
    }
}

/// Converts a literal that contains no variables.
pub(super) fn constant(value: &ast::Value) -> Option<Value> {
    literal(value, &Variables::default())?.into_const()
}

/// Converts a literal with the values of its variables; null for a variable without a value.
pub(super) fn value(value: &ast::Value, variables: &Variables) -> Value {
    let variable = |name: Key| {
        let value = variables.get(&name).cloned();
        Ok::<_, Infallible>(value.unwrap_or_default())
    };
    literal(value, variables)
        .and_then(|literal| literal.into_const_with(variable).ok())
        .unwrap_or_default()
}

/// Converts a literal; `None` for a variable without a value. Fields of an input object with such a
/// variable are left out; such items of a list become null.
fn literal(value: &ast::Value, variables: &Variables) -> Option<Literal> {
    Some(match value {
        ast::Value::Null => Literal::Null,
        ast::Value::Boolean(value) => Literal::Boolean(*value),
        ast::Value::String(text) => Literal::String(text.clone()),
        ast::Value::Enum(name) => Literal::Enum(Key::new(name)),
        ast::Value::Variable(name) => {
            variables.get(name.as_str())?;
            Literal::Variable(Key::new(name))
        }
        ast::Value::Int(digits) => number(digits.as_str()),
        ast::Value::Float(digits) => number(digits.as_str()),
        ast::Value::List(items) => Literal::List(
            items
                .iter()
                .map(|item| literal(item, variables).unwrap_or(Literal::Null))
                .collect(),
        ),
        ast::Value::Object(fields) => {
            let mut object = IndexMap::new();
            for (name, value) in fields {
                if let Some(value) = literal(value, variables) {
                    object.insert(Key::new(name), value);
                }
            }
            Literal::Object(object)
        }
    })
}

/// Parses a number: exactly if it fits into 64 bits, else as the nearest float. A number beyond the
/// range of floats becomes null, which no numeric type accepts.
fn number(digits: &str) -> Literal {
    let integer = || digits.parse::<i64>().map(Number::from);
    let large = || digits.parse::<u64>().map(Number::from);
    let float = || digits.parse().ok().and_then(Number::from_f64);
    let number = integer().or_else(|_| large()).ok().or_else(float);
    number.map_or(Literal::Null, Literal::Number)
}

struct Converter<'a> {
    cursor: Cursor<'a>,
    variables: &'a Variables,
}

impl Converter<'_> {
    fn operation(
        &mut self,
        document: &ExecutableDocument,
        operation: &Node<Operation>,
    ) -> Positioned<types::OperationDefinition> {
        let at = self.at(operation);
        let variables = operation.variables.iter();
        let variable_definitions = variables.map(|variable| self.variable(variable)).collect();
        let directives = self.directives(&operation.directives);
        let (ty, selection_set) = match operation.operation_type {
            ast::OperationType::Query => (types::OperationType::Query, None),
            ast::OperationType::Mutation => (types::OperationType::Mutation, None),
            ast::OperationType::Subscription => (
                types::OperationType::Subscription,
                self.merged_root(document, operation, at),
            ),
        };
        let selections = &operation.selection_set.selections;
        let definition = types::OperationDefinition {
            ty,
            variable_definitions,
            directives,
            selection_set: selection_set.unwrap_or_else(|| self.selections(selections, at)),
        };
        Positioned::new(definition, at)
    }

    /// Merges the selections of the only root field of a subscription. `async-graphql` would start
    /// a stream for each of them.
    fn merged_root(
        &mut self,
        document: &ExecutableDocument,
        operation: &Operation,
        at: Pos,
    ) -> Option<Positioned<types::SelectionSet>> {
        let mut fields = Vec::new();
        root_fields(document, &operation.selection_set, &mut fields);
        let (first, rest) = fields.split_first()?;
        let mut field = self.field(first);
        for again in rest {
            let selections = &again.selection_set.selections;
            let mut more = self.selections(selections, field.pos).node.items;
            field.node.selection_set.node.items.append(&mut more);
        }
        let items = vec![Positioned::new(types::Selection::Field(field), at)];
        Some(Positioned::new(types::SelectionSet { items }, at))
    }

    fn variable(
        &mut self,
        variable: &Node<ast::VariableDefinition>,
    ) -> Positioned<types::VariableDefinition> {
        let at = self.at(variable);
        let definition = types::VariableDefinition {
            name: key(&variable.name, at),
            var_type: Positioned::new(of_type(&variable.ty), at),
            directives: Vec::new(),
            // The variables' values already include the default.
            default_value: None,
        };
        Positioned::new(definition, at)
    }

    fn selections(&mut self, selections: &[Selection], at: Pos) -> Positioned<types::SelectionSet> {
        let items = selections.iter().map(|selection| match selection {
            Selection::Field(field) => {
                let field = self.field(field);
                let at = field.pos;
                Positioned::new(types::Selection::Field(field), at)
            }
            Selection::FragmentSpread(spread) => {
                let at = self.at(spread);
                let spread = types::FragmentSpread {
                    fragment_name: key(&spread.fragment_name, at),
                    directives: self.directives(&spread.directives),
                };
                Positioned::new(
                    types::Selection::FragmentSpread(Positioned::new(spread, at)),
                    at,
                )
            }
            Selection::InlineFragment(inline) => {
                let at = self.at(inline);
                let inline = types::InlineFragment {
                    type_condition: inline.type_condition.as_ref().map(|on| condition(on, at)),
                    directives: self.directives(&inline.directives),
                    selection_set: self.selections(&inline.selection_set.selections, at),
                };
                Positioned::new(
                    types::Selection::InlineFragment(Positioned::new(inline, at)),
                    at,
                )
            }
        });
        let items = items.collect();
        Positioned::new(types::SelectionSet { items }, at)
    }

    fn field(&mut self, field: &Node<executable::Field>) -> Positioned<types::Field> {
        let at = self.at(field);
        let converted = types::Field {
            alias: field.alias.as_ref().map(|alias| key(alias, at)),
            name: key(&field.name, at),
            arguments: self.arguments(&field.arguments),
            directives: self.directives(&field.directives),
            selection_set: self.selections(&field.selection_set.selections, at),
        };
        Positioned::new(converted, at)
    }

    fn directives(
        &mut self,
        directives: &[Node<executable::Directive>],
    ) -> Vec<Positioned<types::Directive>> {
        let directives = directives.iter().map(|directive| {
            let at = self.at(directive);
            let converted = types::Directive {
                name: key(&directive.name, at),
                arguments: self.arguments(&directive.arguments),
            };
            Positioned::new(converted, at)
        });
        directives.collect()
    }

    fn arguments(
        &mut self,
        arguments: &[Node<Argument>],
    ) -> Vec<(Positioned<Key>, Positioned<Literal>)> {
        let mut converted = Vec::with_capacity(arguments.len());
        for argument in arguments {
            if let Some(value) = literal(&argument.value, self.variables) {
                let at = self.at(argument);
                converted.push((key(&argument.name, at), Positioned::new(value, at)));
            }
        }
        converted
    }

    fn at<T>(&mut self, node: &Node<T>) -> Pos {
        self.cursor.at(node.location())
    }
}

fn key(name: &Name, at: Pos) -> Positioned<Key> {
    Positioned::new(Key::new(name), at)
}

fn condition(on: &Name, at: Pos) -> Positioned<types::TypeCondition> {
    Positioned::new(types::TypeCondition { on: key(on, at) }, at)
}

fn of_type(ty: &ast::Type) -> types::Type {
    let base = match ty {
        ast::Type::Named(name) | ast::Type::NonNullNamed(name) => {
            types::BaseType::Named(Key::new(name))
        }
        ast::Type::List(item) | ast::Type::NonNullList(item) => {
            types::BaseType::List(Box::new(of_type(item)))
        }
    };
    let nullable = !ty.is_non_null();
    types::Type { base, nullable }
}

/// Converts byte offsets to lines and columns; fast if the offsets ascend.
pub(super) struct Cursor<'a> {
    text: &'a str,
    offset: usize,
    position: Pos,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            offset: 0,
            position: Pos { line: 1, column: 1 },
        }
    }

    /// The line and column of a node; the start of the text if it has no location.
    pub(super) fn at(&mut self, span: Option<SourceSpan>) -> Pos {
        self.seek(span.map_or(0, |span| span.offset()))
    }

    /// The line and column of an offset in bytes.
    pub(super) fn seek(&mut self, wanted: usize) -> Pos {
        if wanted < self.offset {
            *self = Self::new(self.text);
        }
        let rest = self.text.get(self.offset..).unwrap_or_default();
        let mut last = '\0';
        for (at, char) in rest.char_indices() {
            if self.offset + at >= wanted {
                break;
            }
            match char {
                // The carriage return before it has already counted the line.
                '\n' if last == '\r' => {}
                '\n' | '\r' => {
                    self.position.line += 1;
                    self.position.column = 1;
                }
                _ => self.position.column += 1,
            }
            last = char;
        }
        self.offset = wanted;
        self.position
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_exact() {
        let json = |digits: &str| serde_json::to_string(&number(digits).into_const()).unwrap();
        for same in [
            "0",
            "-1",
            "9223372036854775807",
            "-9223372036854775808",
            "18446744073709551615",
            "132.38218655231123",
            "5e-324",
            "1.7976931348623157e+308",
        ] {
            assert_eq!(json(same), same);
        }
        assert_eq!(json("-0"), "0");
        assert_eq!(json("-0.0"), "-0.0");
        assert_eq!(json("1e400"), "null");
        assert_eq!(json("18446744073709551616"), "1.8446744073709552e+19");
    }

    #[test]
    fn positions_are_lines_and_columns() {
        let text = "a\r\nbč\rc\n d";
        let at = |char: char| {
            let offset = text.find(char).unwrap();
            let mut cursor = Cursor::new(text);
            cursor.seek(offset)
        };
        assert_eq!(at('b'), Pos { line: 2, column: 1 });
        assert_eq!(at('č'), Pos { line: 2, column: 2 });
        assert_eq!(at('c'), Pos { line: 3, column: 1 });
        assert_eq!(at('d'), Pos { line: 4, column: 2 });
    }
}
