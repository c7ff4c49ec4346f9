//! Answers that were given already, for the next who asks the same.

use std::hash::Hash;
use std::mem::size_of;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use prometheus_client::registry::Registry;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::admission::Admission;
use super::coalescing::UnderWay;
use super::group_members::MembersQuestion;
use super::question::Question;
use super::similar_trips::GroupsQuestion;
use super::summaries::{Summaries, SummariesQuestion};
use super::weekly_average::WeeklyQuestion;
use super::{AnalyticsError, WeeklyAverage};
use crate::model::{IngestionId, Page, Selection, Similarity, Trip, TripGroup, Week};
use crate::store::{Snapshot, Store};

/// How long a question waits for its turn, where nothing else is said.
const PATIENCE: Duration = Duration::from_secs(50);

/// Answers the questions of a server: costly ones by permits, identical ones together. It keeps the
/// answers as long as nothing is published or removed: they are kept under the number of their
/// edition, which every question reads in its own snapshot. So they are right on every server that
/// shares a database. Clones share what is kept, and the permits.
#[derive(Clone)]
pub struct Answers {
    admission: Arc<Admission>,
    weekly: Arc<Kept<WeeklyQuestion>>,
    groups: Arc<Kept<GroupsQuestion>>,
}

/// Answers by the edition in which the question was asked.
struct Kept<Q: Question> {
    cache: Cache<(i64, Q), Arc<Q::Answer>, Bytes>,
    under_way: UnderWay<(i64, Q), Shared<Q::Answer>>,
}

/// An answer for several that wait for it. An error is one, too: they would all meet it again.
type Shared<A> = Result<Arc<A>, Arc<AnalyticsError>>;

impl Answers {
    /// Answers from a store, and keeps so many bytes of answers at most; none where it is 0.
    #[must_use]
    pub fn new(store: Store, bytes: u64) -> Self {
        Self::with_patience(store, bytes, PATIENCE)
    }

    /// As [`Answers::new`]; a question waits so long for its turn at most. That should be less than
    /// the time-out of queries, so that clients learn what it waited for.
    #[must_use]
    pub fn with_patience(store: Store, bytes: u64, patience: Duration) -> Self {
        Self {
            admission: Arc::new(Admission::new(store, patience)),
            weekly: Arc::new(Kept::new(bytes / 2)),
            groups: Arc::new(Kept::new(bytes / 2)),
        }
    }

    /// Tells a monitoring system which questions run and wait.
    pub fn register_metrics(&self, registry: &mut Registry) {
        self.admission.register_metrics(registry);
    }

    /// As [`weekly_average`](super::weekly_average).
    pub async fn weekly_average(
        &self,
        selection: &Selection,
        from: Option<Week>,
        to: Option<Week>,
    ) -> Result<Arc<WeeklyAverage>, Arc<AnalyticsError>> {
        let question = WeeklyQuestion {
            selection: selection.clone(),
            from,
            to,
        };
        self.kept(&self.weekly, question).await
    }

    /// As [`similar_trips`](super::similar_trips).
    pub async fn similar_trips(
        &self,
        selection: &Selection,
        similarity: Similarity,
        min_trips: u64,
        first: u64,
        after: Option<TripGroup>,
    ) -> Result<Arc<Page<TripGroup>>, Arc<AnalyticsError>> {
        let question = GroupsQuestion {
            selection: selection.clone(),
            similarity,
            min_trips,
            first,
            after,
        };
        self.kept(&self.groups, question).await
    }

    /// As [`group_members`](super::group_members).
    pub async fn group_members(
        &self,
        selection: &Selection,
        similarity: Similarity,
        group: &TripGroup,
        first: u64,
        after: Option<(IngestionId, u64)>,
    ) -> Result<Page<Trip>, AnalyticsError> {
        let question = MembersQuestion {
            selection: selection.clone(),
            similarity,
            group: *group,
            first,
            after,
        };
        self.anew(question).await
    }

    /// As [`summaries`](super::summaries).
    pub async fn summaries(&self) -> Result<Summaries, AnalyticsError> {
        self.anew(SummariesQuestion).await
    }

    /// An answer that is not kept.
    async fn anew<Q: Question>(&self, question: Q) -> Result<Q::Answer, AnalyticsError> {
        let attempt = self.admission.begin().await?;
        let question = Arc::new(question);
        let ask = |snapshot| {
            let question = Arc::clone(&question);
            async move {
                let answer = question.answer(&snapshot).await?;
                snapshot.close().await;
                Ok(answer)
            }
            .boxed()
        };
        self.admission.answer(attempt, ask).await
    }

    /// The answer that is kept, or that others wait for already, or a new one.
    async fn kept<Q>(&self, kept: &Arc<Kept<Q>>, question: Q) -> Shared<Q::Answer>
    where
        Q: Question + Hash + Eq + Clone,
        Q::Answer: Sync,
        Bytes: Weighter<(i64, Q), Arc<Q::Answer>>,
    {
        let attempt = self.admission.begin().await?;
        let edition = attempt.snapshot.edition().await;
        let key = (edition.map_err(AnalyticsError::from)?, question);
        if let Some(answer) = kept.cache.get(&key) {
            attempt.close().await;
            return Ok(answer);
        }
        let mut attempt = Some(attempt);
        let answer = kept.under_way.join(&key, || {
            let (admission, kept) = (Arc::clone(&self.admission), Arc::clone(kept));
            let (attempt, question) = (attempt.take(), key.1.clone());
            async move {
                let ask = |snapshot| {
                    let (kept, question) = (Arc::clone(&kept), question.clone());
                    async move { kept.answer(snapshot, question).await }.boxed()
                };
                let attempt = match attempt {
                    Some(attempt) => attempt,
                    None => admission.begin().await?,
                };
                Ok(admission.answer(attempt, ask).await?)
            }
            .boxed()
        });
        if let Some(attempt) = attempt {
            // While others wait for the answer, the connection is of use elsewhere.
            attempt.close().await;
        }
        answer.await
    }
}

impl<Q> Kept<Q>
where
    Q: Question + Hash + Eq + Clone,
    Q::Answer: Sync,
    Bytes: Weighter<(i64, Q), Arc<Q::Answer>>,
{
    fn new(bytes: u64) -> Self {
        // An answer of two years is about that large.
        let answers = usize::try_from(bytes / 1_000).unwrap_or(usize::MAX);
        Self {
            cache: Cache::with_weighter(answers, bytes, Bytes),
            under_way: UnderWay::default(),
        }
    }

    /// Answers a question, and keeps the answer under the edition that it is of: a question that had
    /// to wait may be answered in a later one than it was asked in.
    async fn answer(
        &self,
        snapshot: Snapshot,
        question: Q,
    ) -> Result<Arc<Q::Answer>, AnalyticsError> {
        let edition = snapshot.edition().await?;
        let answer = Arc::new(question.answer(&snapshot).await?);
        snapshot.close().await;
        // One that is too large to be kept is an answer all the same.
        self.cache.insert((edition, question), Arc::clone(&answer));
        Ok(answer)
    }
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
