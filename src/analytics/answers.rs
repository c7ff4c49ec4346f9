//! Answers that were given already, for the next who asks the same.

use std::hash::Hash;
use std::mem::size_of;
use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::{Cache, DefaultLifecycle, GuardResult, PlaceholderGuard};
use quick_cache::{DefaultHashBuilder, Weighter};

use super::similar_trips::similar_trips_in;
use super::weekly_average::weekly_average_in;
use super::{AnalyticsError, WeeklyAverage};
use crate::model::{Page, Selection, Similarity, TripGroup, Week};
use crate::store::{Error, Snapshot, Store};

/// Answers questions, and keeps the answers as long as nothing is published or removed: they are
/// kept under the number of their edition, which every question reads in its own snapshot. So they
/// are right on every server that shares a database. Who asks what somebody else is asking already
/// waits for that answer, even where none are kept. Clones share what is kept.
#[derive(Clone)]
pub struct Answers {
    store: Store,
    weekly: Kept<WeeklyQuestion, WeeklyAverage>,
    groups: Kept<GroupsQuestion, Page<TripGroup>>,
}

type Kept<Q, A> = Arc<Cache<(i64, Q), Arc<A>, Bytes>>;

/// Which trips, and the period.
type WeeklyQuestion = (Selection, Option<Week>, Option<Week>);
/// Which trips, when they are alike, the smallest group, the size of the page, what it follows.
type GroupsQuestion = (Selection, Similarity, u64, u64, Option<TripGroup>);

impl Answers {
    /// Answers from a store, and keeps so many bytes of answers at most; none where it is 0.
    #[must_use]
    pub fn new(store: Store, bytes: u64) -> Self {
        Self {
            store,
            weekly: kept(bytes / 2),
            groups: kept(bytes / 2),
        }
    }

    /// As [`weekly_average`](super::weekly_average).
    pub async fn weekly_average(
        &self,
        selection: &Selection,
        from: Option<Week>,
        to: Option<Week>,
    ) -> Result<Arc<WeeklyAverage>, Error> {
        let question = (selection.clone(), from, to);
        match self.seek(&self.weekly, question).await? {
            Sought::Found(average) => Ok(average),
            Sought::Missing(snapshot, place) => {
                let average = weekly_average_in(&snapshot, selection, from, to).await?;
                Ok(keep(snapshot, place, average).await)
            }
        }
    }

    /// As [`similar_trips`](super::similar_trips).
    pub async fn similar_trips(
        &self,
        selection: &Selection,
        similarity: Similarity,
        min_trips: u64,
        first: u64,
        after: Option<TripGroup>,
    ) -> Result<Arc<Page<TripGroup>>, AnalyticsError> {
        let question = (selection.clone(), similarity, min_trips, first, after);
        match self.seek(&self.groups, question).await? {
            Sought::Found(page) => Ok(page),
            Sought::Missing(snapshot, place) => {
                let page =
                    similar_trips_in(&snapshot, selection, similarity, min_trips, first, after)
                        .await?;
                Ok(keep(snapshot, place, page).await)
            }
        }
    }

    /// The answer that is kept, or that somebody else is about to have.
    async fn seek<'a, Q, A>(
        &self,
        kept: &'a Kept<Q, A>,
        question: Q,
    ) -> Result<Sought<'a, Q, A>, Error>
    where
        Q: Hash + Eq + Clone,
        Bytes: Weighter<(i64, Q), Arc<A>>,
    {
        loop {
            let snapshot = self.store.snapshot().await?;
            let question = (snapshot.edition().await?, question.clone());
            match kept.get_value_or_guard(&question, Some(Duration::ZERO)) {
                GuardResult::Value(answer) => {
                    snapshot.close().await;
                    return Ok(Sought::Found(answer));
                }
                GuardResult::Guard(place) => return Ok(Sought::Missing(snapshot, place)),
                GuardResult::Timeout => {
                    // While somebody else answers, others have use for the connection.
                    snapshot.close().await;
                    if let Ok(answer) = kept.get_value_or_guard_async(&question).await {
                        return Ok(Sought::Found(answer));
                    }
                    // He did not come to an answer.
                }
            }
        }
    }
}

/// What there is of an answer.
enum Sought<'a, Q, A> {
    Found(Arc<A>),
    /// Nothing: what to read for it, and where others wait for it.
    Missing(Snapshot, Place<'a, Q, A>),
}

type Place<'a, Q, A> = PlaceholderGuard<
    'a,
    (i64, Q),
    Arc<A>,
    Bytes,
    DefaultHashBuilder,
    DefaultLifecycle<(i64, Q), Arc<A>>,
>;

/// Keeps an answer for the next, and gives it to those who wait.
async fn keep<Q: Hash + Eq, A>(snapshot: Snapshot, place: Place<'_, Q, A>, answer: A) -> Arc<A>
where
    Bytes: Weighter<(i64, Q), Arc<A>>,
{
    let answer = Arc::new(answer);
    // Too large to be kept, it is an answer all the same.
    let _ = place.insert(Arc::clone(&answer));
    snapshot.close().await;
    answer
}

fn kept<Q: Hash + Eq + Sized, A: Sized>(bytes: u64) -> Kept<Q, A>
where
    Bytes: Weighter<(i64, Q), Arc<A>>,
{
    // An answer of two years is about that large.
    let answers = usize::try_from(bytes / 1_000).unwrap_or(usize::MAX);
    Arc::new(Cache::with_weighter(answers, bytes, Bytes))
}

/// How large an answer is, roughly.
#[derive(Debug, Clone, Copy)]
struct Bytes;

/// What a question takes, and keeping it.
const QUESTION_BYTES: u64 = 200;

impl Weighter<(i64, WeeklyQuestion), Arc<WeeklyAverage>> for Bytes {
    fn weight(&self, _: &(i64, WeeklyQuestion), average: &Arc<WeeklyAverage>) -> u64 {
        QUESTION_BYTES + (average.trips.len() * size_of::<u64>()) as u64
    }
}

impl Weighter<(i64, GroupsQuestion), Arc<Page<TripGroup>>> for Bytes {
    fn weight(&self, _: &(i64, GroupsQuestion), page: &Arc<Page<TripGroup>>) -> u64 {
        QUESTION_BYTES + (page.items.len() * size_of::<TripGroup>()) as u64
    }
}
