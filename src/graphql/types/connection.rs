use async_graphql::connection::{Connection, Edge};
use async_graphql::{OutputType, SimpleObject};

use super::Long;
use crate::graphql::cursor::Cursor;
use crate::model::Page;

/// The field of a connection beside its page.
#[derive(Debug, SimpleObject)]
pub(crate) struct TotalCount {
    /// Total number of items in the list.
    total_count: Long,
}

/// A page as a Relay connection: `edges`, `nodes`, `pageInfo` and `totalCount`.
pub(crate) fn connection<M, N: OutputType>(
    page: Page<M>,
    after: Option<Cursor>,
    cursor: impl Fn(&M) -> Cursor,
    node: impl Fn(M) -> N,
) -> Connection<Cursor, N, TotalCount> {
    let total = TotalCount {
        total_count: page.total.into(),
    };
    let mut connection = Connection::with_additional_fields(after.is_some(), page.has_next, total);
    connection.edges.extend(page.items.into_iter().map(|item| {
        let cursor = cursor(&item);
        Edge::new(cursor, node(item))
    }));
    connection
}
