use std::time::Duration;

/// How large an operation may be, and how long a query may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Levels of nested fields. `GraphiQL`'s introspection needs 15.
    pub depth: usize,
    /// Weight of the fields of an operation, where a list weighs as much as the items asked for.
    pub complexity: usize,
    /// Aliased fields in a document.
    pub aliases: usize,
    /// Fields and fragments of a document when every fragment is written out in its place.
    pub selections: usize,
    /// Selection sets of a document that are nested within each other when every fragment is written
    /// out in its place.
    pub nesting: usize,
    /// Tokens of a document, white space and punctuation included.
    pub tokens: usize,
    /// Weeks that one operation lists.
    pub weeks: usize,
    /// How long a query may take; mutations and subscriptions are not cut off.
    pub query_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: 20,
            complexity: 200_000,
            aliases: 100,
            selections: 5_000,
            nesting: 32,
            tokens: 20_000,
            weeks: 600_000,
            query_timeout: Duration::from_mins(1),
        }
    }
}

/// Past every limit; low enough that the library can add such weights up.
const HEAVIEST: usize = 1 << 40;

/// The weight of a field that gives a list of `count` items of that weight, beside its own `base`.
pub(crate) fn weight(base: usize, count: i32, item: usize) -> usize {
    let count = usize::try_from(count).unwrap_or(0);
    base.saturating_add(item.saturating_mul(count))
        .min(HEAVIEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_do_not_overflow() {
        assert_eq!(weight(20, 100, 3), 320);
        assert_eq!(weight(20, -1, 3), 20);
        assert_eq!(weight(20, i32::MAX, usize::MAX), HEAVIEST);
    }
}
