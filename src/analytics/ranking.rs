//! Ranking: the first few of many, in an order, after a given one.

use std::collections::BinaryHeap;

/// Keeps the first items, in their order, of those that come after a given one.
#[derive(Debug)]
pub(super) struct Ranking<T> {
    after: Option<T>,
    room: usize,
    heap: BinaryHeap<T>,
    total: u64,
}

impl<T: Ord> Ranking<T> {
    /// Keeps `first` items of those behind `after`.
    pub(super) fn new(first: u64, after: Option<T>) -> Self {
        // One more than asked for tells whether there is a next page.
        let room = usize::try_from(first)
            .unwrap_or(usize::MAX)
            .saturating_add(1);
        Self {
            after,
            room,
            heap: BinaryHeap::new(),
            total: 0,
        }
    }

    /// Offers an item.
    pub(super) fn offer(&mut self, item: T) {
        self.total += 1;
        if self.after.as_ref().is_some_and(|after| item <= *after) {
            return;
        }
        if self.heap.len() < self.room {
            self.heap.push(item);
        } else if let Some(mut last) = self.heap.peek_mut()
            && item < *last
        {
            *last = item;
        }
    }

    /// The items in their order, whether there are more behind them, and how many were offered.
    pub(super) fn finish(self) -> (Vec<T>, bool, u64) {
        let mut items = self.heap.into_sorted_vec();
        let has_next = items.len() == self.room;
        if has_next {
            items.pop();
        }
        (items, has_next, self.total)
    }
}
