use std::time::Duration;

/// Limits on the size of an operation and the duration of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Maximum depth of nested fields. `GraphiQL`'s introspection query needs 15.
    pub depth: usize,
    /// Maximum sum of the weights of an operation's fields; a list weighs as much as the requested
    /// items.
    pub complexity: usize,
    /// Maximum number of aliased fields in a document.
    pub aliases: usize,
    /// Maximum number of fields and fragments of a document, with every fragment expanded.
    pub selections: usize,
    /// Maximum depth of nested selection sets of a document, with every fragment expanded.
    pub nesting: usize,
    /// Maximum number of tokens of a document, including white space and punctuation.
    pub tokens: usize,
    /// Maximum number of weeks that one operation lists.
    pub weeks: usize,
    /// Maximum duration of a query; mutations and subscriptions have no time-out.
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

/// Exceeds every limit; small enough that `async-graphql` can add such weights without overflow.
const HEAVIEST: usize = 1 << 40;

/// The weight of a list field: `base` plus `count` times the weight of an item.
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
