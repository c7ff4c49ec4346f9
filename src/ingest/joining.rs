//! Joins the patches of large ingestions, behind everything else.
//!
//! A large segment may have many batches: see `store/joins.rs` for what is done with these, and why.

use std::collections::HashSet;

use super::Ingestions;
use super::pipeline::REPACKED_TRIPS;
use crate::store::{self, JoinCursor, Joined, LiveSegment, SegmentId};

/// Joins patches, one transaction at a time.
pub(super) struct Joining<'a> {
    ingestions: &'a Ingestions,
    /// The segment that is being joined, and how far it is.
    current: Option<(LiveSegment, JoinCursor)>,
    /// How far a segment was joined that has changed since its patches were read.
    changed: Option<(SegmentId, JoinCursor)>,
    /// By how many patches it has fewer now.
    fewer: u64,
    /// Segments with a broken patch: until the next start.
    given_up: HashSet<SegmentId>,
}

impl<'a> Joining<'a> {
    pub(super) fn new(ingestions: &'a Ingestions) -> Self {
        Self {
            ingestions,
            current: None,
            changed: None,
            fewer: 0,
            given_up: HashSet::new(),
        }
    }

    /// Joins the patches of some cells. Returns by how many there are fewer; `None` if all segments are
    /// joined.
    pub(super) async fn step(&mut self) -> Result<Option<u64>, store::Error> {
        let inner = &self.ingestions.inner;
        let Some((segment, cursor)) = self.next().await? else {
            return Ok(None);
        };
        match inner.store.join(segment, cursor).await {
            Ok(Joined::Done {
                fewer,
                segment,
                next,
            }) => {
                inner.metrics.join(fewer);
                self.fewer += fewer;
                self.current = next.map(|next| (segment, next));
                if next.is_none() {
                    let (id, trips, joined) = (segment.id, segment.trips, self.fewer);
                    tracing::info!(segment = id, trips, joined, "patches joined");
                    self.fewer = 0;
                }
                Ok(Some(fewer))
            }
            Ok(Joined::Changed) => {
                self.changed = Some((segment.id, cursor));
                Ok(Some(0))
            }
            Err(error) if error.is_unavailable() => Err(error),
            Err(error) => {
                tracing::error!(%error, "cannot join the patches of a segment; it is skipped until the next start");
                self.given_up.insert(segment.id);
                Ok(Some(0))
            }
        }
    }

    async fn next(&mut self) -> Result<Option<(LiveSegment, JoinCursor)>, store::Error> {
        if let Some(current) = self.current.take() {
            return Ok(Some(current));
        }
        let inner = &self.ingestions.inner;
        let given_up: Vec<_> = self.given_up.iter().copied().collect();
        // Where rows for SQL are written, those come first.
        let complete = inner.sql_trips.is_on();
        let segment = inner
            .store
            .joinable(REPACKED_TRIPS / 2, complete, &given_up);
        let Some(segment) = segment.await? else {
            return Ok(None);
        };
        let cursor = match self.changed.take() {
            Some((id, cursor)) if id == segment.id => cursor,
            _ => {
                self.fewer = 0;
                JoinCursor::START
            }
        };
        Ok(Some((segment, cursor)))
    }
}
