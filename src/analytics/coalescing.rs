//! Request coalescing: identical work is done once for all requests that arrive while it runs.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use futures::future::{BoxFuture, Shared, WeakShared};

type Work<T> = BoxFuture<'static, T>;
/// Work under way, and its unique number.
type Numbered<T> = (u64, WeakShared<Work<T>>);

/// Work under way, by key. It continues as long as any request waits for it, even if the request
/// that began it is dropped, and is dropped with the last such request.
pub(super) struct UnderWay<K, T: Clone>(Arc<Entries<K, T>>);

struct Entries<K, T: Clone> {
    begun: AtomicU64,
    by_key: Mutex<HashMap<K, Numbered<T>>>,
}

impl<K, T: Clone> Default for UnderWay<K, T> {
    fn default() -> Self {
        Self(Arc::new(Entries {
            begun: AtomicU64::new(0),
            by_key: Mutex::default(),
        }))
    }
}

impl<K, T> UnderWay<K, T>
where
    K: Hash + Eq + Clone + Send + 'static,
    T: Clone + Send + Sync + 'static,
{
    /// Joins work that is under way, or begins it.
    pub(super) fn join(&self, key: &K, begin: impl FnOnce() -> Work<T>) -> Shared<Work<T>> {
        let mut by_key = self.0.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        let known = by_key.get(key).and_then(|(_, work)| work.upgrade());
        known.unwrap_or_else(|| {
            let number = self.0.begun.fetch_add(1, Ordering::Relaxed);
            let entry = Entry {
                entries: Arc::clone(&self.0),
                key: key.clone(),
                number,
            };
            let work = begin();
            let work = async move {
                let _entry = entry;
                work.await
            };
            let work = work.boxed().shared();
            if let Some(weak) = work.downgrade() {
                by_key.insert(key.clone(), (number, weak));
            }
            work
        })
    }
}

/// Removes work from the map when it ends or is dropped.
struct Entry<K: Hash + Eq, T: Clone> {
    entries: Arc<Entries<K, T>>,
    key: K,
    number: u64,
}

impl<K: Hash + Eq, T: Clone> Drop for Entry<K, T> {
    fn drop(&mut self) {
        let by_key = self.entries.by_key.lock();
        let mut by_key = by_key.unwrap_or_else(PoisonError::into_inner);
        // Work with the same key may have begun again in the meantime.
        if by_key
            .get(&self.key)
            .is_some_and(|(number, _)| *number == self.number)
        {
            by_key.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::atomic::AtomicUsize;

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn work_goes_on_when_the_first_that_asked_goes_away() {
        let under_way = UnderWay::default();
        let (done, wait) = oneshot::channel();
        let mut first = under_way.join(&1, || async { wait.await.unwrap_or(0) }.boxed());
        assert!((&mut first).now_or_never().is_none());
        let mut second = under_way.join(&1, || unreachable!("it is under way"));
        assert!((&mut second).now_or_never().is_none());
        drop(first);
        assert_eq!(done.send(7), Ok(()));
        assert_eq!(second.await, 7);
        let again = under_way.join(&1, || async { 8 }.boxed());
        assert_eq!(again.await, 8);
    }

    #[tokio::test]
    async fn work_is_dropped_with_the_last_that_waits_for_it() {
        struct Dropped(Arc<AtomicUsize>);
        impl Drop for Dropped {
            fn drop(&mut self) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        let dropped = Arc::new(AtomicUsize::new(0));
        let under_way: UnderWay<i32, ()> = UnderWay::default();
        let count = Dropped(Arc::clone(&dropped));
        let work = async move {
            let _count = count;
            pending::<()>().await;
        };
        let first = under_way.join(&1, || work.boxed());
        let second = under_way.join(&1, || unreachable!("it is under way"));
        drop(first);
        assert_eq!(dropped.load(Ordering::Relaxed), 0);
        drop(second);
        assert_eq!(dropped.load(Ordering::Relaxed), 1);
        assert!(under_way.0.by_key.lock().unwrap().is_empty());
        under_way.join(&1, || async {}.boxed()).await;
    }
}
