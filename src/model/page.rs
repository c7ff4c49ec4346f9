/// One page of an ordered list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// Whether more items follow the last one here.
    pub has_next: bool,
    /// Items in the whole list.
    pub total: u64,
}
