//! Merges segments, behind everything else. When none is left to be merged, the patches of those with
//! several batches are joined (`joining.rs`).
//!
//! Segments are merged as soon as all smaller ones together are as large as the next: so a trip is
//! written once for each doubling of what it is in, and `n` trips in small files end up in about log₂ `n`
//! segments. Up to [`REPACKED_TRIPS`] they are packed anew, from there to [`JOINED_TRIPS`] their patches
//! are joined. A segment with more than half of that is not merged.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::Ingestions;
use super::joining::Joining;
use super::pipeline::{JOINED_TRIPS, MergeMethod, PipelineError, REPACKED_TRIPS, merge};
use crate::backoff::Backoff;
use crate::store::{self, LiveSegment, SegmentId};

/// Segments that are merged at a time, at most.
const SOURCES: usize = 4_096;
/// How long another program is left alone that merges, too.
const STEP_BACK: Duration = Duration::from_secs(2);

/// When segments are merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Eagerness {
    /// When it pays.
    Lazy,
    /// Whenever two can be.
    Eager,
}

/// What was merged and joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Compacted {
    /// Number of merges.
    pub merges: u64,
    /// Number of segments that were merged.
    pub segments: u64,
    /// Number of their trips.
    pub trips: u64,
    /// Number of patches of large segments that were joined to another patch of their cell.
    pub patches_joined: u64,
}

/// Requests to look for segments to merge.
#[derive(Debug)]
pub(super) struct MergeQueue {
    requests: watch::Sender<()>,
}

impl MergeQueue {
    pub(super) fn new() -> Self {
        Self {
            requests: watch::Sender::new(()),
        }
    }

    /// Has segments looked for: there are more than before, or their rows for SQL are there.
    pub(super) fn request(&self) {
        self.requests.send_replace(());
    }
}

impl Ingestions {
    /// Merges all segments that can be, and joins the patches of the others, at once. Rows for SQL must
    /// not be being written.
    pub async fn compact(&self) -> Result<Compacted, store::Error> {
        let (mut merging, mut all) = (Merging::new(self), Compacted::default());
        while let Some(merged) = merging.step(Eagerness::Eager).await? {
            if merged.merges == 0 {
                tokio::time::sleep(STEP_BACK).await;
            }
            all.merges += merged.merges;
            all.segments += merged.segments;
            all.trips += merged.trips;
        }
        let mut joining = Joining::new(self);
        while let Some(joined) = joining.step().await? {
            all.patches_joined += joined;
        }
        Ok(all)
    }
}

/// Merges segments, and joins the patches of large ones, until the program stops.
pub(super) async fn compact_in_background(ingestions: Ingestions) {
    let inner = &ingestions.inner;
    let mut requests = inner.merging.requests.subscribe();
    let mut idle = inner.idle.subscribe();
    let (mut merging, mut joining) = (Merging::new(&ingestions), Joining::new(&ingestions));
    let mut backoff = Backoff::default();
    loop {
        tokio::select! {
            biased;
            () = inner.shutdown.cancelled() => return,
            // Its sender lives as long as the program's ingestions.
            _ = idle.wait_for(|idle| *idle) => {}
        }
        requests.borrow_and_update();
        let step = match merging.step(Eagerness::Lazy).await {
            // A merge would take longer, and is over before.
            Ok(None) => joining.step().await.map(|joined| joined.map(|_| true)),
            merged => merged.map(|merged| merged.map(|merged| merged.merges > 0)),
        };
        let delay = match step {
            Ok(Some(true)) => {
                backoff.reset();
                continue;
            }
            // Another program merges, or was faster.
            Ok(Some(false)) => STEP_BACK,
            Ok(None) => {
                tokio::select! {
                    _ = requests.changed() => {}
                    () = inner.shutdown.cancelled() => return,
                }
                continue;
            }
            Err(error) => {
                tracing::error!(%error, "cannot compact segments");
                backoff.delay()
            }
        };
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = inner.shutdown.cancelled() => return,
        }
    }
}

struct Merging<'a> {
    ingestions: &'a Ingestions,
    /// Segments of a merge that failed, one of which has a broken patch: until the next start.
    given_up: HashSet<SegmentId>,
}

impl<'a> Merging<'a> {
    fn new(ingestions: &'a Ingestions) -> Self {
        Self {
            ingestions,
            given_up: HashSet::new(),
        }
    }

    /// Merges some segments. `None` where none is to be, or the program stops; no merge where another
    /// program merges.
    async fn step(&mut self, eagerness: Eagerness) -> Result<Option<Compacted>, store::Error> {
        let inner = &self.ingestions.inner;
        if inner.shutdown.is_cancelled() {
            return Ok(None);
        }
        let Some((method, sources)) = self.next(eagerness).await? else {
            return Ok(None);
        };
        let Some(target) = inner.store.begin_merge(&inner.worker).await? else {
            return Ok(Some(Compacted::default()));
        };
        let start = Instant::now();
        let merged = merge(
            &inner.store,
            method,
            target,
            sources.clone(),
            &inner.shutdown,
        );
        let done = merged.await;
        if !matches!(done, Ok(true)) {
            // Where this fails, too, it is tried again before segments are purged.
            if let Err(error) = inner.store.abandon_merge(target).await {
                tracing::warn!(%error, "cannot give up a merge");
            }
        }
        // The next start purges what a stop leaves.
        if !inner.shutdown.is_cancelled()
            && let Err(error) = inner.store.purge_segments().await
        {
            tracing::warn!(%error, "cannot purge merged segments");
        }
        match done {
            Ok(true) => {}
            Ok(false) => return Ok(Some(Compacted::default())),
            Err(PipelineError::Store(error)) if error.is_unavailable() => return Err(error),
            Err(error) => {
                tracing::error!(%error, "cannot merge segments; they are skipped until the next start");
                self.given_up.extend(sources.iter().map(|source| source.id));
                return Ok(Some(Compacted::default()));
            }
        }
        let merged = Compacted {
            merges: 1,
            segments: sources.len() as u64,
            trips: sources.iter().map(|source| source.trips).sum(),
            patches_joined: 0,
        };
        inner.metrics.merge(merged);
        tracing::info!(
            segments = merged.segments,
            trips = merged.trips,
            seconds = start.elapsed().as_secs_f64(),
            "segments merged"
        );
        Ok(Some(merged))
    }

    /// The segments to merge next, and how.
    async fn next(
        &self,
        eagerness: Eagerness,
    ) -> Result<Option<(MergeMethod, Vec<LiveSegment>)>, store::Error> {
        let inner = &self.ingestions.inner;
        for (method, least, most) in [
            (MergeMethod::Repack, 0, REPACKED_TRIPS),
            (MergeMethod::Join, REPACKED_TRIPS / 2 + 1, JOINED_TRIPS),
        ] {
            let mut segments = inner.store.mergeable(least..=most / 2).await?;
            segments.retain(|segment| !self.given_up.contains(&segment.id));
            let (complete, others): (Vec<_>, Vec<_>) =
                segments.iter().partition(|segment| segment.sql_complete);
            // Where rows for SQL are written, the others come after that.
            let others = Some(others).filter(|_| !inner.sql_trips.is_on());
            for segments in [Some(complete), others].into_iter().flatten() {
                let sources = choose(&segments, most, eagerness);
                if !sources.is_empty() {
                    return Ok(Some((method, sources.to_vec())));
                }
            }
        }
        Ok(None)
    }
}

/// The segments to merge next, of a list that ascends by trips: together they have at most `most` trips.
/// Empty if no merge pays.
fn choose(segments: &[LiveSegment], most: u64, eagerness: Eagerness) -> &[LiveSegment] {
    let (mut smaller, mut chosen) = (0, 0);
    for (index, segment) in segments.iter().enumerate().take(SOURCES) {
        let together = smaller + segment.trips;
        if together > most {
            break;
        }
        let pays = eagerness == Eagerness::Eager || segment.trips <= smaller;
        if index > 0 && pays {
            chosen = index + 1;
        }
        smaller = together;
    }
    &segments[..chosen]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segments(trips: &[u64]) -> Vec<LiveSegment> {
        (1..)
            .zip(trips)
            .map(|(id, &trips)| LiveSegment {
                id,
                trips,
                revision: 0,
                sql_complete: true,
            })
            .collect()
    }

    #[test]
    fn as_many_are_chosen_as_pay() {
        for (trips, lazy, eager) in [
            (&[][..], 0, 0),
            (&[200], 0, 0),
            (&[200, 200], 2, 2),
            (&[200, 400], 0, 2),
            (&[200, 200, 400], 3, 3),
            (&[200, 200, 401], 2, 3),
            // The smaller ones do not pay alone, but with the larger.
            (&[1, 5, 6], 3, 3),
            (&[0, 0, 0], 3, 3),
            (&[1, REPACKED_TRIPS / 2], 0, 2),
            (&[REPACKED_TRIPS / 2, REPACKED_TRIPS / 2], 2, 2),
            (&[1, REPACKED_TRIPS / 2, REPACKED_TRIPS / 2], 0, 2),
        ] {
            let segments = segments(trips);
            assert_eq!(
                choose(&segments, REPACKED_TRIPS, Eagerness::Lazy).len(),
                lazy,
                "{trips:?}"
            );
            assert_eq!(
                choose(&segments, REPACKED_TRIPS, Eagerness::Eager).len(),
                eager,
                "{trips:?}"
            );
        }
    }

    #[test]
    fn many_small_files_end_in_few_segments_and_few_moves() {
        let (mut live, mut moved, mut all) = (Vec::new(), 0, 0);
        for file in 0..5_000 {
            let trips = 150 + 25 * (file % 5);
            all += trips;
            live.push(trips);
            loop {
                live.sort_unstable();
                let chosen = choose(&segments(&live), REPACKED_TRIPS, Eagerness::Lazy).len();
                if chosen == 0 {
                    break;
                }
                let merged: u64 = live.drain(..chosen).sum();
                moved += merged;
                live.push(merged);
            }
        }
        let trips: u64 = live.iter().sum();
        assert_eq!(trips, all);
        // In debug builds segments are full earlier.
        let full = trips / (REPACKED_TRIPS / 2);
        assert!(live.len() as u64 <= full + 13, "{live:?}");
        assert!(moved <= 13 * trips, "{moved}");
    }
}
