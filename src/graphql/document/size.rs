//! The size and depth of a document with every fragment expanded.
//!
//! Later steps follow fragment spreads, often recursively and once per spread. Without this check,
//! a long chain of fragments could overflow the stack, and a few fragments that spread each other
//! twice would take exponential time. The check takes time proportional to the document, and
//! its own recursion stays within one definition, whose nesting the parser limits.

use std::collections::{HashMap, HashSet};

use apollo_compiler::ast::{Definition, Document, Selection};

use super::super::{ApiError, Code, Limits};

/// Refuses documents whose fragments form a cycle, or that are too large or too deep when expanded.
pub(super) fn check(document: &Document, limits: &Limits) -> Result<(), ApiError> {
    let mut operations = Vec::new();
    let mut fragments = HashMap::new();
    for definition in &document.definitions {
        match definition {
            Definition::OperationDefinition(operation) => {
                operations.push(Outline::of(&operation.selection_set));
            }
            Definition::FragmentDefinition(fragment) => {
                fragments
                    .entry(fragment.name.as_str())
                    .or_insert_with(|| Outline::of(&fragment.selection_set));
            }
            _ => {}
        }
    }
    let sizes = fragment_sizes(&fragments)?;
    let mut whole = Size::default();
    for operation in &operations {
        let size = operation.size(&sizes);
        whole.fields = whole.fields.saturating_add(size.fields);
        whole.depth = whole.depth.max(size.depth);
    }
    // Fragments that no operation spreads are validated too.
    for size in sizes.values() {
        whole.fields = whole.fields.max(size.fields);
        whole.depth = whole.depth.max(size.depth);
    }
    if whole.depth > limits.nesting {
        return Err(too_deep());
    }
    if whole.fields > limits.selections {
        let message = format!(
            "the document exceeds the limit of {} fields and fragments",
            limits.selections
        );
        return Err(ApiError::new(Code::TooComplex, message));
    }
    Ok(())
}

/// The error for a document that is nested too deeply.
pub(super) fn too_deep() -> ApiError {
    ApiError::new(Code::TooComplex, "the document is nested too deeply")
}

#[derive(Debug, Clone, Copy, Default)]
struct Size {
    /// Number of fields and fragments.
    fields: usize,
    /// Depth of nested selection sets.
    depth: usize,
}

/// The size of a definition without its fragments, and the spreads in it.
#[derive(Default)]
struct Outline<'a> {
    own: Size,
    /// The fragments that it spreads, each with the depth of the spread.
    spreads: Vec<(&'a str, usize)>,
}

impl<'a> Outline<'a> {
    fn of(selections: &'a [Selection]) -> Self {
        let mut outline = Self::default();
        outline.add(selections, 1);
        outline
    }

    fn add(&mut self, selections: &'a [Selection], depth: usize) {
        self.own.fields += selections.len();
        self.own.depth = self.own.depth.max(depth);
        for selection in selections {
            match selection {
                Selection::Field(field) if field.selection_set.is_empty() => {}
                Selection::Field(field) => self.add(&field.selection_set, depth + 1),
                Selection::InlineFragment(inline) => self.add(&inline.selection_set, depth + 1),
                Selection::FragmentSpread(spread) => {
                    self.spreads.push((spread.fragment_name.as_str(), depth));
                }
            }
        }
    }

    /// The size with every fragment expanded. Ignores unknown fragments: validation reports them.
    fn size(&self, fragments: &HashMap<&str, Size>) -> Size {
        let mut size = self.own;
        for (name, depth) in &self.spreads {
            let fragment = fragments.get(name).copied().unwrap_or_default();
            size.fields = size.fields.saturating_add(fragment.fields);
            size.depth = size.depth.max(depth.saturating_add(fragment.depth));
        }
        size
    }
}

/// The size of each fragment, computed depth first with an explicit stack instead of recursion.
fn fragment_sizes<'a>(
    fragments: &HashMap<&'a str, Outline<'a>>,
) -> Result<HashMap<&'a str, Size>, ApiError> {
    let mut sizes: HashMap<&str, Size> = HashMap::new();
    let mut open: HashSet<&str> = HashSet::new();
    for &start in fragments.keys() {
        let mut stack = vec![(start, 0)];
        while let Some((name, next)) = stack.pop() {
            let Some(outline) = fragments.get(name) else {
                continue;
            };
            if next == 0 {
                if sizes.contains_key(name) {
                    continue;
                }
                if !open.insert(name) {
                    let message = format_args!("the fragment `{name}` spreads itself");
                    return Err(ApiError::bad_input(message));
                }
            }
            if let Some((spread, _)) = outline.spreads.get(next) {
                stack.push((name, next + 1));
                stack.push((spread, 0));
            } else {
                open.remove(name);
                sizes.insert(name, outline.size(&sizes));
            }
        }
    }
    Ok(sizes)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    fn checked(query: &str) -> Result<(), Code> {
        let document = Document::parse(query, "query").unwrap();
        check(&document, &Limits::default()).map_err(|error| error.code())
    }

    fn chain(fragments: usize, body: impl Fn(String) -> String) -> String {
        let mut query = String::from("{ ...F0 }");
        for level in 0..fragments {
            let next = body(format!("...F{}", level + 1));
            write!(query, " fragment F{level} on Query {{ {next} }}").unwrap();
        }
        query + &format!(" fragment F{fragments} on Query {{ a }}")
    }

    #[test]
    fn ordinary_documents_pass() {
        let query =
            "{ a { b c } ...F ...F } fragment F on Query { d ...G } fragment G on Query { e }";
        assert_eq!(checked(query), Ok(()));
        assert_eq!(checked(&chain(30, |next| next)), Ok(()));
        assert_eq!(checked("{ ...Unknown }"), Ok(()));
    }

    #[test]
    fn fragments_that_double_are_refused_at_once() {
        let query = chain(25, |next| format!("{next} {next}"));
        assert_eq!(checked(&query), Err(Code::TooComplex));
    }

    #[test]
    fn long_chains_are_refused() {
        let deep = "... { ".repeat(60);
        let closed = " }".repeat(60);
        for query in [
            chain(100_000, |next| next),
            chain(400, |next| format!("{deep}{next}{closed}")),
            chain(40, |next| format!("a {{ {next} }}")),
        ] {
            assert_eq!(checked(&query), Err(Code::TooComplex));
            let unused = query.replacen("{ ...F0 }", "{ a }", 1);
            assert_eq!(checked(&unused), Err(Code::TooComplex));
        }
    }

    #[test]
    fn circles_are_refused() {
        let query = "{ ...A } fragment A on Query { ...B } fragment B on Query { x ...C ...A } \
                     fragment C on Query { x }";
        assert_eq!(checked(query), Err(Code::BadUserInput));
        let own = "{ a } fragment A on Query { ...A }";
        assert_eq!(checked(own), Err(Code::BadUserInput));
    }
}
