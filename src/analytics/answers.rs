//! The answers of a server: costly ones wait for their turn, and most are cached.

use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use prometheus_client::registry::Registry;
use quick_cache::Weighter;

use super::admission::Admission;
use super::answer_cache::{AnswerCache, Bytes};
use super::group_members::MembersQuestion;
use super::od_matrix::{OdPair, OdQuestion};
use super::periods::Comparison;
use super::profile::{ProfileQuestion, TripProfile};
use super::question::Question;
use super::rows::{RowSink, RowsQuestion};
use super::similar_trips::GroupsQuestion;
use super::summaries::{Summaries, SummariesQuestion};
use super::trips::{TripPlace, TripsQuestion};
use super::weekly_average::WeeklyQuestion;
use super::work::{Ledger, Work};
use super::zone_averages::{ZoneAverages, ZoneAveragesQuestion};
use super::{AnalyticsError, WeeklyAverage};
use crate::model::{
    IngestionId, MinTrips, Page, Selection, Similarity, Trip, TripEndRule, TripGroup, Week, ZoneSet,
};
use crate::store::{Edition, Snapshot, Store};

/// How long a question waits for its turn by default.
const TIMEOUT: Duration = Duration::from_secs(50);

/// Answers the questions of a server. Costly questions need a permit, identical questions are
/// coalesced, and answers are cached. A publication or removal invalidates cached answers: the
/// edition is part of the cache key, and every question reads it in its own snapshot. So answers
/// are correct on every server that shares the database. Clones share the cache and the permits.
#[derive(Clone)]
pub struct Answers {
    admission: Arc<Admission>,
    weekly: Arc<AnswerCache<WeeklyQuestion>>,
    groups: Arc<AnswerCache<GroupsQuestion>>,
    profiles: Arc<AnswerCache<ProfileQuestion>>,
    pairs: Arc<AnswerCache<OdQuestion>>,
    zones: Arc<AnswerCache<ZoneAveragesQuestion>>,
    ledger: Option<Arc<Ledger>>,
}

impl Answers {
    /// Answers questions from a store, and caches up to `bytes` bytes of answers; none if it is 0.
    #[must_use]
    pub fn new(store: Store, bytes: u64) -> Self {
        Self::with_timeout(store, bytes, TIMEOUT)
    }

    /// As [`Answers::new`]; a question waits up to `timeout` for its turn. That should be less than
    /// the time-out of queries, so that the error that clients get names the queue.
    #[must_use]
    pub fn with_timeout(store: Store, bytes: u64, timeout: Duration) -> Self {
        Self {
            admission: Arc::new(Admission::new(store, timeout)),
            weekly: Arc::new(AnswerCache::new(bytes / 5)),
            groups: Arc::new(AnswerCache::new(bytes / 5)),
            profiles: Arc::new(AnswerCache::new(bytes / 5)),
            pairs: Arc::new(AnswerCache::new(bytes / 5)),
            zones: Arc::new(AnswerCache::new(bytes / 5)),
            ledger: None,
        }
    }

    /// The same answers; what they cost is added to a ledger.
    #[must_use]
    pub fn counted(&self, ledger: Arc<Ledger>) -> Self {
        Self {
            ledger: Some(ledger),
            ..self.clone()
        }
    }

    fn count(&self, work: Work) {
        if let Some(ledger) = &self.ledger {
            ledger.add(work);
        }
    }

    /// Registers the metrics of questions that run and wait.
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
        self.cached(&self.weekly, question).await
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
        let comparison = Comparison::default();
        self.compared_trips(
            selection,
            similarity,
            comparison,
            min_trips.into(),
            first,
            after,
        )
        .await
    }

    /// As [`similar_trips`](super::similar_trips), compared with another period: groups of at least
    /// `min_trips` trips in one of them.
    pub async fn compared_trips(
        &self,
        selection: &Selection,
        similarity: Similarity,
        comparison: Comparison,
        min_trips: MinTrips,
        first: u64,
        after: Option<TripGroup>,
    ) -> Result<Arc<Page<TripGroup>>, Arc<AnalyticsError>> {
        let question = GroupsQuestion {
            selection: selection.clone(),
            similarity,
            min_trips,
            first,
            after,
            comparison,
        };
        self.cached(&self.groups, question).await
    }

    /// The pairs of zones with at least `min_trips` trips, in one of the periods; `after` is the
    /// last pair of the page before.
    pub async fn od_matrix(
        &self,
        set: &Arc<ZoneSet>,
        selection: &Selection,
        comparison: Comparison,
        min_trips: MinTrips,
        first: u64,
        after: Option<OdPair>,
    ) -> Result<Arc<Page<OdPair>>, Arc<AnalyticsError>> {
        let question = OdQuestion {
            set: Arc::clone(set),
            selection: selection.clone(),
            comparison,
            min_trips,
            first,
            after,
        };
        self.cached(&self.pairs, question).await
    }

    /// The weekly averages of all zones of a set over one period, of a selection without an area;
    /// `ends` must be in the zone.
    pub async fn zone_averages(
        &self,
        set: &Arc<ZoneSet>,
        ends: TripEndRule,
        selection: &Selection,
        from: Option<Week>,
        to: Option<Week>,
    ) -> Result<Arc<ZoneAverages>, Arc<AnalyticsError>> {
        let question = ZoneAveragesQuestion {
            set: Arc::clone(set),
            ends,
            selection: selection.clone(),
            from,
            to,
        };
        self.cached(&self.zones, question).await
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

    /// As [`trip_profile`](super::trip_profile).
    pub async fn trip_profile(
        &self,
        selection: &Selection,
    ) -> Result<Arc<TripProfile>, Arc<AnalyticsError>> {
        let question = ProfileQuestion {
            selection: selection.clone(),
        };
        self.cached(&self.profiles, question).await
    }

    /// As [`trips`](super::trips()).
    pub async fn trips(
        &self,
        selection: &Selection,
        first: u64,
        after: Option<TripPlace>,
    ) -> Result<Page<Trip>, AnalyticsError> {
        let question = TripsQuestion {
            selection: selection.clone(),
            first,
            after,
        };
        self.anew(question).await
    }

    /// As [`summaries`](super::summaries).
    pub async fn summaries(&self) -> Result<Summaries, AnalyticsError> {
        self.anew(SummariesQuestion).await
    }

    /// Reads the rows of an export from one snapshot, on a thread of its own, where the sink may
    /// block. Dropping the future ends the export at its next row.
    pub async fn export(
        &self,
        question: RowsQuestion,
        mut sink: impl RowSink + 'static,
    ) -> Result<(), AnalyticsError> {
        let read = |snapshot: Snapshot| {
            async move {
                question.read(&snapshot, &mut sink).await?;
                snapshot.close().await;
                Ok(())
            }
            .boxed()
        };
        self.admission.export(read).await
    }

    /// Computes an answer that is not cached.
    async fn anew<Q: Question>(&self, question: Q) -> Result<Q::Answer, AnalyticsError> {
        let attempt = self.admission.begin().await?;
        let question = Arc::new(question);
        let ask = move |snapshot| {
            let question = Arc::clone(&question);
            async move {
                let answer = question.answer(&snapshot).await?;
                snapshot.finish().await?;
                Ok(answer)
            }
            .boxed()
        };
        let (answer, work) = self.admission.answer(attempt, ask).await?;
        self.count(work);
        Ok(answer)
    }

    /// Returns the cached answer, waits for one that is being computed, or computes it.
    async fn cached<Q>(
        &self,
        cache: &Arc<AnswerCache<Q>>,
        question: Q,
    ) -> Result<Arc<Q::Answer>, Arc<AnalyticsError>>
    where
        Q: Question + Hash + Eq + Clone,
        Q::Answer: Sync,
        Bytes: Weighter<(Edition, Q), Arc<Q::Answer>>,
    {
        let attempt = self.admission.begin().await?;
        let edition = attempt.snapshot.edition().await;
        let key = (edition.map_err(AnalyticsError::from)?, question);
        if let Some(answer) = cache.answers.get(&key) {
            self.count(attempt.work());
            attempt.close().await;
            return Ok(answer);
        }
        let mut attempt = Some(attempt);
        let answer = cache.under_way.join(&key, || {
            let (admission, cache) = (Arc::clone(&self.admission), Arc::clone(cache));
            let (attempt, question) = (attempt.take(), key.1.clone());
            async move {
                let ask = move |snapshot| {
                    let (cache, question) = (Arc::clone(&cache), question.clone());
                    async move { cache.answer(snapshot, question).await }.boxed()
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
            // A coalesced request releases its connection while it waits for the answer.
            attempt.close().await;
        }
        let (answer, work) = answer.await?;
        self.count(work);
        Ok(answer)
    }
}
