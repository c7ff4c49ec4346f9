//! GraphQL documents: parses, limits and validates them, and converts them to the types of
//! `async-graphql`, which executes them.
//!
//! `async-graphql` has its own parser and validation rules. Its parser recurses without a limit
//! and does not support every escape sequence; its rules miss conflicting selections and reject
//! optional variables for arguments that have a default. [`Document::parse`] therefore replaces
//! both with `apollo-compiler`, and `async-graphql` executes the result of
//! [`Document::executable`] without validating it again. In order:
//!
//! 1. The parser limits tokens and nesting.
//! 2. [`size`] limits the size of the document with its fragments expanded, before they are.
//! 3. [`incomplete`] finds arguments without a value, which the parser leaves out.
//! 4. `apollo-compiler` validates all operations and fragments, including those that do not run.
//! 5. [`literals`] checks what `apollo-compiler` does not check in literals.
//! 6. [`variables`] coerces the values of variables.
//! 7. [`convert`] leaves out arguments whose variable has no value, so that they get their default.

mod convert;
mod coordinates;
mod incomplete;
mod literals;
mod size;
mod variables;

use std::sync::LazyLock;

use apollo_compiler::executable::{ExecutableDocument, Field, Operation, Selection, SelectionSet};
use apollo_compiler::parser::Parser;
use apollo_compiler::validation::{DiagnosticList, Valid};
use apollo_compiler::{Node, Schema};
use async_graphql::{Pos, ServerError, Variables, parser::types};

use super::{ApiError, Code, Limits};

/// Maximum number of errors reported for one document.
const MAX_ERRORS: usize = 50;

/// Maximum length of an error message in characters; messages quote the document.
const MAX_MESSAGE: usize = 500;

/// Maximum nesting of selections, values and types in the parser, with fragments not expanded.
const MAX_PARSER_NESTING: usize = 64;

/// The published schema.
static SCHEMA: LazyLock<Valid<Schema>> = LazyLock::new(|| {
    #[expect(
        clippy::expect_used,
        reason = "the schema is fixed; every test reads it"
    )]
    Schema::parse_and_validate(super::sdl(), "schema.graphql").expect("a valid schema")
});

/// A valid document.
pub(super) struct Document {
    text: String,
    inner: ExecutableDocument,
}

impl Document {
    /// Parses and validates a document.
    ///
    /// # Errors
    ///
    /// The first syntax error, or the validation errors.
    pub(super) fn parse(text: &str, limits: &Limits) -> Result<Self, Vec<ServerError>> {
        let mut parser = Parser::new()
            .recursion_limit(MAX_PARSER_NESTING)
            .token_limit(limits.tokens);
        let parsed = parser.parse_ast(text, "document");
        if parser.tokens_reached() > limits.tokens {
            let message = format!("the document exceeds the limit of {} tokens", limits.tokens);
            return Err(refusal(ApiError::new(Code::TooComplex, message)));
        }
        if parser.recursion_reached() > MAX_PARSER_NESTING {
            return Err(refusal(size::too_deep()));
        }
        // Later errors are often consequences of the first.
        let syntax = parsed.map_err(|failed| reported(&failed.errors, |_| true, 1))?;
        size::check(&syntax, limits).map_err(refusal)?;
        if let Some((name, offset)) = incomplete::find(text, MAX_PARSER_NESTING) {
            let name: String = name.chars().take(MAX_MESSAGE).collect();
            let error = ApiError::bad_input(format_args!("`{name}` has no value"));
            let position = convert::Cursor::new(text).seek(offset);
            return Err(vec![located(error.into(), Some(position))]);
        }
        let inner = match syntax.to_executable_validate(&SCHEMA) {
            Ok(valid) => valid.into_inner(),
            Err(failed) => {
                // The validator counts the root fields of a subscription, even if they have the
                // same response key and merge into one.
                let merged = failed.partial.operations.iter().all(|operation| {
                    !operation.is_subscription() || has_one_root(&failed.partial, operation)
                });
                let counts = |name| !(merged && name == Some("SubscriptionUsesMultipleFields"));
                let errors = reported(&failed.errors, counts, MAX_ERRORS);
                if !errors.is_empty() {
                    return Err(errors);
                }
                failed.partial
            }
        };
        let errors = literals::check(&inner);
        if !errors.is_empty() {
            return Err(errors);
        }
        let text = text.to_owned();
        Ok(Self { text, inner })
    }

    /// The operation with this name; without a name, the only operation.
    ///
    /// # Errors
    ///
    /// If no operation has the name, or if there is no name and not exactly one operation.
    pub(super) fn operation(&self, name: Option<&str>) -> Result<&Node<Operation>, ApiError> {
        let operations = &self.inner.operations;
        if operations.is_empty() {
            return Err(ApiError::bad_input("the document contains no operation"));
        }
        if name.is_none() && operations.len() > 1 {
            return Err(ApiError::bad_input(
                "the document contains several operations: specify `operationName`",
            ));
        }
        let chosen = operations.get(name).map_err(|_| {
            ApiError::bad_input("the document contains no operation with this `operationName`")
        })?;
        Ok(chosen)
    }

    /// An operation and its variables in the types of `async-graphql`.
    ///
    /// # Errors
    ///
    /// If the value of a variable is missing or does not have the variable's type.
    pub(super) fn executable(
        &self,
        operation: &Node<Operation>,
        variables: &Variables,
    ) -> Result<(types::ExecutableDocument, Variables), ServerError> {
        let variables =
            variables::coerce(operation, variables).map_err(|(definition, error)| {
                let position = convert::Cursor::new(&self.text).at(definition.location());
                located(error.into(), Some(position))
            })?;
        let document = convert::document(&self.text, &self.inner, operation, &variables);
        Ok((document, variables))
    }

    /// The first field, argument or input field of an operation that `allows` rejects, as a schema
    /// coordinate.
    pub(super) fn rejected(
        &self,
        operation: &Operation,
        variables: &Variables,
        allows: &dyn Fn(&str) -> bool,
    ) -> Option<String> {
        coordinates::rejected(&self.inner, operation, variables, allows)
    }
}

/// Collects the fields at the root of an operation, including those of fragments.
fn root_fields<'a>(
    document: &'a ExecutableDocument,
    set: &'a SelectionSet,
    fields: &mut Vec<&'a Node<Field>>,
) {
    for selection in &set.selections {
        match selection {
            Selection::Field(field) => fields.push(field),
            Selection::InlineFragment(inline) => {
                root_fields(document, &inline.selection_set, fields);
            }
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = document.fragments.get(&spread.fragment_name) {
                    root_fields(document, &fragment.selection_set, fields);
                }
            }
        }
    }
}

fn has_one_root(document: &ExecutableDocument, operation: &Operation) -> bool {
    let mut fields = Vec::new();
    root_fields(document, &operation.selection_set, &mut fields);
    fields
        .windows(2)
        .all(|pair| pair[0].response_key() == pair[1].response_key())
}

fn refusal(error: ApiError) -> Vec<ServerError> {
    vec![error.into()]
}

fn located(mut error: ServerError, position: Option<Pos>) -> ServerError {
    error.locations.extend(position);
    error
}

/// The first `most` errors that `counts` accepts by name, ready for the client.
fn reported(
    errors: &DiagnosticList,
    counts: impl Fn(Option<&'static str>) -> bool,
    most: usize,
) -> Vec<ServerError> {
    errors
        .iter()
        .filter(|diagnostic| counts(diagnostic.error.unstable_error_name()))
        .take(most)
        .map(|diagnostic| {
            let message: String = diagnostic
                .error
                .to_string()
                .chars()
                .take(MAX_MESSAGE)
                .collect();
            let position = diagnostic.line_column_range().map(|range| Pos {
                line: range.start.line,
                column: range.start.column,
            });
            located(ApiError::bad_input(message).into(), position)
        })
        .collect()
}
