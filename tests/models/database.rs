//! What the database holds, and the transactions: each is one function, as it is one in `src/store/`.

use std::collections::BTreeMap;

use super::programs::Guards;

/// Batches of an ingestion. Each is two blocks, of which the second has the checkpoint.
pub(crate) const BATCHES: u8 = 2;

/// A program, an ingestion or a segment, by its number.
pub(crate) type Number = usize;

/// States of an ingestion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum State {
    Queued,
    Running,
    Succeeded,
    Cancelled,
    Removed,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Ingestion {
    pub(crate) state: State,
    pub(crate) claims: u8,
    pub(crate) worker: Option<Number>,
    /// Batches that are written and known to be.
    pub(crate) checkpoint: u8,
    pub(crate) segment: Option<Number>,
}

/// States of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    Writing,
    Merging,
    Live,
    Retired,
}

/// Blocks by ingestion and number, and how often each is there.
pub(crate) type Blocks = BTreeMap<(Number, u8), u8>;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Segment {
    pub(crate) place: Place,
    pub(crate) worker: Option<Number>,
    pub(crate) revision: u8,
    pub(crate) blocks: Blocks,
}

/// The tables.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Database {
    pub(crate) ingestions: Vec<Ingestion>,
    pub(crate) segments: Vec<Segment>,
    /// Whether a program has a row in the table of workers.
    pub(crate) workers: Vec<bool>,
    /// Blocks that answers count: the histograms.
    pub(crate) counted: Blocks,
}

/// A worker's right to an ingestion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Claim {
    pub(crate) ingestion: Number,
    pub(crate) number: u8,
}

/// A segment as a merge or a removal has seen it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Seen {
    pub(crate) segment: Number,
    pub(crate) revision: u8,
    pub(crate) blocks: Blocks,
}

/// A block, from 0 on.
pub(crate) fn block(batch: u8, second: bool) -> u8 {
    2 * batch + u8::from(second)
}

impl Database {
    pub(crate) fn new(programs: usize, ingestions: usize) -> Self {
        let waiting = Ingestion {
            state: State::Queued,
            claims: 0,
            worker: None,
            checkpoint: 0,
            segment: None,
        };
        Self {
            ingestions: vec![waiting; ingestions],
            segments: Vec::new(),
            workers: vec![false; programs],
            counted: Blocks::new(),
        }
    }

    fn add_segment(&mut self, place: Place, worker: Option<Number>) -> Number {
        self.segments.push(Segment {
            place,
            worker,
            revision: 0,
            blocks: Blocks::new(),
        });
        self.segments.len() - 1
    }

    /// `Store::claim`.
    pub(crate) fn claim(&mut self, program: Number) -> Option<Claim> {
        let is_free = |row: &Ingestion| match row.state {
            State::Queued => true,
            State::Running => row.worker.is_none() || row.worker == Some(program),
            _ => false,
        };
        let ingestion = self.ingestions.iter().position(is_free)?;
        self.workers[program] = true;
        if self.ingestions[ingestion].segment.is_none() {
            let segment = self.add_segment(Place::Writing, None);
            self.ingestions[ingestion].segment = Some(segment);
        }
        let row = &mut self.ingestions[ingestion];
        row.state = State::Running;
        row.worker = Some(program);
        row.claims += 1;
        Some(Claim {
            ingestion,
            number: row.claims,
        })
    }

    /// `check_claim`, which every transaction of a run begins with; without the guard, it only looks
    /// whether the ingestion runs.
    pub(crate) fn holds(&self, claim: Claim, guard: bool) -> bool {
        let row = &self.ingestions[claim.ingestion];
        row.state == State::Running && (!guard || row.claims == claim.number)
    }

    /// `Store::rewind`: deletes what an earlier run wrote past the checkpoint. Returns the checkpoint.
    pub(crate) fn rewind(&mut self, claim: Claim, guards: Guards) -> Option<u8> {
        if !self.holds(claim, guards.claim_at_blocks) {
            return None;
        }
        let row = &self.ingestions[claim.ingestion];
        let checkpoint = row.checkpoint;
        if guards.rewind
            && let Some(segment) = row.segment
        {
            let blocks = &mut self.segments[segment].blocks;
            blocks.retain(|&(_, number), _| number < block(checkpoint, false));
        }
        Some(checkpoint)
    }

    /// `Store::load` for a run: a block, perhaps with the checkpoint. Returns whether the claim held.
    pub(crate) fn load(&mut self, claim: Claim, batch: u8, second: bool, guards: Guards) -> bool {
        if !self.holds(claim, guards.claim_at_blocks) {
            return false;
        }
        let row = &mut self.ingestions[claim.ingestion];
        if second {
            row.checkpoint = batch + 1;
        }
        if let Some(segment) = row.segment {
            let key = (claim.ingestion, block(batch, second));
            *self.segments[segment].blocks.entry(key).or_default() += 1;
        }
        true
    }

    /// `Store::publish`, with what the run knows of its blocks.
    pub(crate) fn publish(&mut self, claim: Claim, guards: Guards) -> bool {
        let row = &self.ingestions[claim.ingestion];
        // In an attempt before, whose answer was lost.
        if row.claims == claim.number
            && row.state == State::Succeeded
            && guards.outcome_is_looked_up
        {
            return true;
        }
        let held = self.holds(claim, true);
        let again = !guards.outcome_is_looked_up && row.state == State::Succeeded;
        let (true, Some(segment)) = (held || again, row.segment) else {
            return false;
        };
        for number in 0..2 * BATCHES {
            *self.counted.entry((claim.ingestion, number)).or_default() += 1;
        }
        let row = &mut self.ingestions[claim.ingestion];
        row.state = State::Succeeded;
        row.worker = None;
        self.segments[segment].place = Place::Live;
        true
    }

    /// `Store::expire_workers`: what a program had claimed is everybody's.
    pub(crate) fn expire(&mut self, program: Number) {
        self.workers[program] = false;
        for row in &mut self.ingestions {
            row.worker = row.worker.filter(|worker| *worker != program);
        }
        for row in &mut self.segments {
            row.worker = row.worker.filter(|worker| *worker != program);
        }
    }

    /// `Store::cancel`.
    pub(crate) fn cancel(&mut self, ingestion: Number) {
        let row = &mut self.ingestions[ingestion];
        row.state = State::Cancelled;
        row.worker = None;
        if let Some(segment) = row.segment {
            self.segments[segment].place = Place::Retired;
        }
    }

    /// `Store::begin_merge`, and the sources that the program has chosen before.
    pub(crate) fn begin_merge(&mut self, program: Number) -> Option<Number> {
        let others = |row: &Segment| {
            row.place == Place::Merging && row.worker.is_some_and(|worker| worker != program)
        };
        if self.segments.iter().any(others) {
            return None;
        }
        self.workers[program] = true;
        Some(self.add_segment(Place::Merging, Some(program)))
    }

    /// The live segments, as a snapshot shows them.
    pub(crate) fn live(&self) -> Vec<Seen> {
        let numbered = self.segments.iter().enumerate();
        numbered
            .filter(|(_, row)| row.place == Place::Live)
            .map(|(segment, row)| Seen {
                segment,
                revision: row.revision,
                blocks: row.blocks.clone(),
            })
            .collect()
    }

    /// Whether a program may write into the segment that it merges into.
    fn merges(&self, target: Number, program: Number, guards: Guards) -> bool {
        let row = &self.segments[target];
        let is_own = row.worker == Some(program) || !guards.owner_at_merging;
        row.place == Place::Merging && is_own
    }

    /// `Store::load` for a merge.
    pub(crate) fn load_merged(
        &mut self,
        target: Number,
        program: Number,
        blocks: &Blocks,
        guards: Guards,
    ) -> bool {
        if !self.merges(target, program, guards) {
            return false;
        }
        for (key, count) in blocks {
            *self.segments[target].blocks.entry(*key).or_default() += count;
        }
        true
    }

    /// `Store::finish_merge`: the target takes the place of its sources, if they are as they were.
    pub(crate) fn finish_merge(
        &mut self,
        target: Number,
        program: Number,
        sources: &[Seen],
        guards: Guards,
    ) -> bool {
        let row = &self.segments[target];
        if row.place == Place::Live && row.worker == Some(program) {
            // In an attempt before, whose answer was lost.
            return true;
        }
        let unchanged = sources.iter().all(|seen| {
            let row = &self.segments[seen.segment];
            let same = row.revision == seen.revision && row.place == Place::Live;
            same || !guards.removals_are_counted
        });
        let is_own = row.worker == Some(program) || !guards.owner_at_merging;
        if !(unchanged && is_own) {
            return false;
        }
        self.segments[target].place = Place::Live;
        for seen in sources {
            for row in &mut self.ingestions {
                if row.segment == Some(seen.segment) {
                    row.segment = Some(target);
                }
            }
            self.segments[seen.segment].place = Place::Retired;
        }
        true
    }

    /// `Store::abandon_merge`.
    pub(crate) fn abandon_merge(&mut self, target: Number) {
        if self.segments[target].place == Place::Merging {
            self.segments[target].place = Place::Retired;
        }
    }

    /// `Store::purge_segments`.
    pub(crate) fn purge(&mut self) {
        for row in &mut self.segments {
            if row.place == Place::Merging && row.worker.is_none() {
                row.place = Place::Retired;
            }
            if row.place == Place::Retired {
                row.blocks.clear();
            }
        }
    }

    /// Where the trips of an ingestion are, as a snapshot shows it: `Snapshot::removal_source`.
    pub(crate) fn removal_source(&self, ingestion: Number) -> Option<Seen> {
        let row = &self.ingestions[ingestion];
        let segment = row.segment.filter(|_| row.state == State::Succeeded)?;
        let seen = &self.segments[segment];
        Some(Seen {
            segment,
            revision: seen.revision,
            blocks: seen.blocks.clone(),
        })
    }

    /// `Store::remove`: retires the segment, or writes what is left of it.
    pub(crate) fn remove(&mut self, ingestion: Number, seen: &Seen, guards: Guards) -> bool {
        let row = &self.ingestions[ingestion];
        let segment = &self.segments[seen.segment];
        let is_there = row.segment == Some(seen.segment)
            && segment.place == Place::Live
            && segment.revision == seen.revision;
        if row.state != State::Succeeded || !is_there && guards.place_at_removal {
            return false;
        }
        self.counted.retain(|(of, _), _| *of != ingestion);
        let segment = &mut self.segments[seen.segment];
        let is_merged = seen.blocks.keys().any(|(of, _)| *of != ingestion);
        if is_merged {
            segment.blocks.clone_from(&seen.blocks);
            segment.blocks.retain(|(of, _), _| *of != ingestion);
            segment.revision += 1;
        } else {
            segment.place = Place::Retired;
        }
        let row = &mut self.ingestions[ingestion];
        row.state = State::Removed;
        row.segment = None;
        true
    }
}
