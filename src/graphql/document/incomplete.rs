//! Arguments and input fields without a value, as in `trips(filter)`: `apollo-compiler`'s parser leaves them
//! out without an error, and another question would be answered.

use apollo_parser::cst::CstNode;
use apollo_parser::{Parser, SyntaxKind};

/// The name of the first argument or input field without a value, and the offset in bytes. `nesting` is the
/// maximum of the parser.
pub(super) fn find(text: &str, nesting: usize) -> Option<(String, usize)> {
    let tree = Parser::new(text).recursion_limit(nesting).parse();
    let document = tree.document();
    let found = document.syntax().descendants().find(|node| {
        let is_pair = matches!(node.kind(), SyntaxKind::ARGUMENT | SyntaxKind::OBJECT_FIELD);
        // A name and a value.
        is_pair && node.children().count() < 2
    })?;
    let name = found.text().to_string().trim().to_owned();
    Some((name, found.text_range().start().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_and_fields_without_a_value_are_found() {
        let name = |text| find(text, 50).map(|(name, _)| name);
        assert_eq!(
            name("{ trips(filter) { totalCount } }").as_deref(),
            Some("filter")
        );
        assert_eq!(
            name("{ trips(filter, first: 1) { totalCount } }").as_deref(),
            Some("filter")
        );
        assert_eq!(
            name("{ trips(filter: {region}) { totalCount } }").as_deref(),
            Some("region")
        );
        assert_eq!(name("{ a @include(if) }").as_deref(), Some("if"));
        assert_eq!(
            name("{ trips(filter: {region: \"a\", area: {}}, first: $x) { a: b } }"),
            None
        );
        assert_eq!(find("{ a(b) }", 50), Some(("b".to_owned(), 4)));
    }
}
