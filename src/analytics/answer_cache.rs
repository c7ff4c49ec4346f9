//! Answers of one kind of question, cached by edition and question.

use std::hash::Hash;
use std::mem::size_of;
use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::coalescing::UnderWay;
use super::od_matrix::{OdPair, OdQuestion};
use super::profile::{ProfileQuestion, TripProfile};
use super::question::Question;
use super::similar_trips::GroupsQuestion;
use super::weekly_average::WeeklyQuestion;
use super::work::Work;
use super::zone_averages::{ZoneAverages, ZoneAveragesQuestion};
use super::{AnalyticsError, WeeklyAverage};
use crate::model::{Page, Selection, TripGroup};
use crate::store::{Edition, Snapshot};

/// Cached and pending answers, by edition and question.
pub(super) struct AnswerCache<Q: Question> {
    pub(super) answers: Cache<(Edition, Q), Arc<Q::Answer>, Bytes>,
    pub(super) under_way: UnderWay<(Edition, Q), Shared<Q::Answer>>,
}

/// Outcome that coalesced requests share, and what it cost. They share errors, too: each of them would
/// fail again.
pub(super) type Shared<A> = Result<(Arc<A>, Work), Arc<AnalyticsError>>;

impl<Q> AnswerCache<Q>
where
    Q: Question + Hash + Eq + Clone,
    Q::Answer: Sync,
    Bytes: Weighter<(Edition, Q), Arc<Q::Answer>>,
{
    pub(super) fn new(bytes: u64) -> Self {
        // A weekly average of two years takes about 1,000 bytes.
        let answers = usize::try_from(bytes / 1_000).unwrap_or(usize::MAX);
        Self {
            answers: Cache::with_weighter(answers, bytes, Bytes),
            under_way: UnderWay::default(),
        }
    }

    /// Answers a question, and caches the answer under the edition of the snapshot: a question that
    /// had to wait may be answered in a later edition than it was asked in.
    pub(super) async fn answer(
        &self,
        snapshot: Snapshot,
        question: Q,
    ) -> Result<Arc<Q::Answer>, AnalyticsError> {
        let edition = snapshot.edition().await?;
        let answer = Arc::new(question.answer(&snapshot).await?);
        snapshot.finish().await.map_err(AnalyticsError::from)?;
        // An answer that is too large for the cache is returned all the same.
        self.answers
            .insert((edition, question), Arc::clone(&answer));
        Ok(answer)
    }
}

/// Weighs answers by their approximate size in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bytes;

/// Approximate size of a question and its cache entry, in bytes.
fn question_bytes(selection: &Selection) -> u64 {
    400 + selection.size() as u64
}

impl Weighter<(Edition, WeeklyQuestion), Arc<WeeklyAverage>> for Bytes {
    fn weight(&self, key: &(Edition, WeeklyQuestion), average: &Arc<WeeklyAverage>) -> u64 {
        question_bytes(&key.1.selection) + (average.trips.len() * size_of::<u64>()) as u64
    }
}

impl Weighter<(Edition, OdQuestion), Arc<Page<OdPair>>> for Bytes {
    fn weight(&self, key: &(Edition, OdQuestion), page: &Arc<Page<OdPair>>) -> u64 {
        question_bytes(&key.1.selection) + (page.items.len() * size_of::<OdPair>()) as u64
    }
}

impl Weighter<(Edition, ZoneAveragesQuestion), Arc<ZoneAverages>> for Bytes {
    fn weight(&self, key: &(Edition, ZoneAveragesQuestion), averages: &Arc<ZoneAverages>) -> u64 {
        let weeks = averages.iter().map(|(_, average)| average.trips.len());
        let weeks = weeks.map(|weeks| 100 + weeks * size_of::<u64>());
        question_bytes(&key.1.selection) + weeks.sum::<usize>() as u64
    }
}

impl Weighter<(Edition, ProfileQuestion), Arc<TripProfile>> for Bytes {
    fn weight(&self, key: &(Edition, ProfileQuestion), _: &Arc<TripProfile>) -> u64 {
        question_bytes(&key.1.selection) + size_of::<TripProfile>() as u64
    }
}

impl Weighter<(Edition, GroupsQuestion), Arc<Page<TripGroup>>> for Bytes {
    fn weight(&self, key: &(Edition, GroupsQuestion), page: &Arc<Page<TripGroup>>) -> u64 {
        question_bytes(&key.1.selection) + (page.items.len() * size_of::<TripGroup>()) as u64
    }
}
