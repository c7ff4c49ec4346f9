//! Ranking: the first items of many in their order, after a given item.

use std::collections::BinaryHeap;

/// Keeps the first items, in their order, that come after a given item.
#[derive(Debug)]
pub(super) struct Ranking<T> {
    after: Option<T>,
    room: usize,
    heap: BinaryHeap<T>,
    total: u64,
}

impl<T: Ord> Ranking<T> {
    /// Keeps the first `first` items after `after`.
    pub(super) fn new(first: u64, after: Option<T>) -> Self {
        // One item more than requested shows whether there is a next page.
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

    /// The items in their order, whether more follow, and how many were offered.
    pub(super) fn finish(self) -> (Vec<T>, bool, u64) {
        let mut items = self.heap.into_sorted_vec();
        let has_next = items.len() == self.room;
        if has_next {
            items.pop();
        }
        (items, has_next, self.total)
    }
}
