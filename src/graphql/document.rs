//! How large a document is when its fragments are written out.
//!
//! The library's own checks follow every fragment spread each time they meet it, so that a few
//! fragments that spread each other twice cost them exponential time. This one remembers what it
//! has counted and takes time proportional to the document.

use std::collections::HashMap;

use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};

use super::{ApiError, Code, Limits};

/// Refuses documents whose fragments form a circle, or that are too large written out.
pub(super) fn check(document: &ExecutableDocument, limits: &Limits) -> Result<(), ApiError> {
    let mut counter = Counter {
        document,
        known: HashMap::new(),
    };
    let mut total = 0usize;
    for (_, operation) in document.operations.iter() {
        total = total.saturating_add(counter.count(&operation.node.selection_set.node)?);
    }
    // Fragments that nothing spreads are still walked by the validation.
    let names: Vec<&str> = document
        .fragments
        .keys()
        .map(async_graphql::Name::as_str)
        .collect();
    for name in names {
        total = total.max(counter.fragment(name)?);
    }
    if total > limits.selections {
        return Err(ApiError::new(
            Code::TooComplex,
            format!(
                "the document selects more than {} fields",
                limits.selections
            ),
        ));
    }
    Ok(())
}

struct Counter<'a> {
    document: &'a ExecutableDocument,
    /// Size of the fragments met so far; `None` while one is being counted.
    known: HashMap<&'a str, Option<usize>>,
}

impl<'a> Counter<'a> {
    fn count(&mut self, set: &'a SelectionSet) -> Result<usize, ApiError> {
        let mut total = 0usize;
        for selection in &set.items {
            let size = match &selection.node {
                Selection::Field(field) => self.count(&field.node.selection_set.node)?,
                Selection::InlineFragment(fragment) => {
                    self.count(&fragment.node.selection_set.node)?
                }
                Selection::FragmentSpread(spread) => {
                    self.fragment(&spread.node.fragment_name.node)?
                }
            };
            total = total.saturating_add(size).saturating_add(1);
        }
        Ok(total)
    }

    fn fragment(&mut self, name: &str) -> Result<usize, ApiError> {
        // A spread of a fragment that does not exist is the validation's to report.
        let Some((name, fragment)) = self.document.fragments.get_key_value(name) else {
            return Ok(0);
        };
        match self.known.get(name.as_str()) {
            Some(Some(size)) => return Ok(*size),
            Some(None) => {
                return Err(ApiError::bad_input(format_args!(
                    "fragment `{name}` spreads itself"
                )));
            }
            None => {}
        }
        self.known.insert(name, None);
        let size = self.count(&fragment.node.selection_set.node)?;
        self.known.insert(name, Some(size));
        Ok(size)
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    fn checked(query: &str) -> Result<(), Code> {
        check(&parse_query(query).unwrap(), &Limits::default()).map_err(|error| error.code())
    }

    #[test]
    fn ordinary_documents_pass() {
        assert_eq!(
            checked("{ a { b c } ...F } fragment F on Query { d }"),
            Ok(())
        );
    }

    #[test]
    fn fragments_that_double_are_refused_at_once() {
        let mut query = String::from("{ ...F0 }");
        for level in 0..60 {
            let next = level + 1;
            let name = format!(" fragment F{level} on Query ");
            query = query + &name + &format!("{{ ...F{next} ...F{next} }}");
        }
        query.push_str(" fragment F60 on Query { a }");
        assert_eq!(checked(&query), Err(Code::TooComplex));
    }

    #[test]
    fn circles_are_refused() {
        let query = "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }";
        assert_eq!(checked(query), Err(Code::BadUserInput));
    }
}
