//! Several programs on one database, each of which may be slow, lose an answer, or end at any step.

use stateright::{Model, Property};

use super::database::{BATCHES, Blocks, Claim, Database, Number, Place, Seen, State};

/// What the code checks. All of it is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a check of its own")]
pub(crate) struct Guards {
    /// The number of the claim, when a block is written: the fence.
    pub(crate) claim_at_blocks: bool,
    /// What was written past the checkpoint is deleted before a run continues.
    pub(crate) rewind: bool,
    /// A transaction whose answer was lost is looked for before it is made again.
    pub(crate) outcome_is_looked_up: bool,
    /// A merge ends only if its sources are as they were when it began.
    pub(crate) removals_are_counted: bool,
    /// A merge writes only into a segment that is still its own.
    pub(crate) owner_at_merging: bool,
    /// A removal ends only if the trips are where they were.
    pub(crate) place_at_removal: bool,
}

impl Guards {
    pub(crate) const ALL: Self = Self {
        claim_at_blocks: true,
        rewind: true,
        outcome_is_looked_up: true,
        removals_are_counted: true,
        owner_at_merging: true,
        place_at_removal: true,
    };
}

/// What is checked: how many programs, and how much may go wrong.
#[derive(Debug, Clone)]
pub(crate) struct Programs {
    pub(crate) name: &'static str,
    pub(crate) guards: Guards,
    size: usize,
    /// At the beginning, so many ingestions have succeeded, and the others wait.
    ingestions: usize,
    succeeded: usize,
    /// How often a program is thought dead that may be alive, and how often an answer is lost.
    expiries: u8,
    lost_answers: u8,
    /// Whether programs merge segments, and trips are removed.
    merges: u8,
    removals: u8,
}

impl Programs {
    /// Two programs and two ingestions in the queue.
    pub(crate) fn claims() -> Self {
        Self {
            name: "claims",
            guards: Guards::ALL,
            size: 2,
            ingestions: 2,
            succeeded: 0,
            expiries: 2,
            lost_answers: 1,
            merges: 0,
            removals: 0,
        }
    }

    /// The same programs with other guards.
    pub(crate) fn with(self, guards: Guards) -> Self {
        Self { guards, ..self }
    }

    /// Two programs that merge the segments of three ingestions, of which two are removed meanwhile.
    pub(crate) fn merges() -> Self {
        Self {
            name: "merges",
            ingestions: 3,
            succeeded: 3,
            expiries: 1,
            merges: 3,
            removals: 2,
            ..Self::claims()
        }
    }
}

/// The run of an ingestion.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Run {
    claim: Claim,
    /// The next block; `None` before what was left is rewound.
    next: Option<(u8, bool)>,
}

/// A merge that a program is at.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Merge {
    target: Number,
    sources: Vec<Seen>,
    written: bool,
}

/// What a program knows.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct Program {
    ended: bool,
    run: Option<Run>,
    merge: Option<Merge>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct World {
    database: Database,
    programs: Vec<Program>,
    /// A removal that has looked where the trips are.
    removal: Option<(Number, Seen)>,
    expiries: u8,
    lost_answers: u8,
    merges: u8,
    removals: u8,
}

/// What happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Claim(Number),
    /// It took effect, but the program does not learn of it.
    ClaimUnanswered(Number),
    Rewind(Number),
    Load(Number),
    Publish(Number),
    PublishUnanswered(Number),
    End(Number),
    Expire(Number),
    Cancel(Number),
    BeginMerge(Number),
    LoadMerged(Number),
    FinishMerge(Number),
    FinishMergeUnanswered(Number),
    Purge,
    LookForRemoval(Number),
    Remove,
}

type Holds = fn(&Programs, &World) -> bool;

/// What is true in every state.
pub(crate) const ALWAYS: [(&str, Holds); 3] = [
    (
        "each block of a published ingestion is counted once",
        |_, world: &World| {
            let rows = world.database.ingestions.iter().enumerate();
            rows.into_iter().all(|(ingestion, row)| {
                let expected = u8::from(row.state == State::Succeeded);
                (0..2 * BATCHES).all(|block| {
                    let counted = world.database.counted.get(&(ingestion, block));
                    counted.copied().unwrap_or(0) == expected
                })
            })
        },
    ),
    (
        "what is counted lies in live segments",
        |_, world: &World| {
            let mut lies = Blocks::new();
            for seen in world.database.live() {
                for (block, count) in seen.blocks {
                    *lies.entry(block).or_default() += count;
                }
            }
            lies == world.database.counted
        },
    ),
    (
        "a published ingestion has a live segment",
        |_, world: &World| {
            let segments = &world.database.segments;
            world.database.ingestions.iter().all(|row| {
                let segment = row.segment.map(|segment| segments[segment].place);
                row.state != State::Succeeded || segment == Some(Place::Live)
            })
        },
    ),
];

impl Model for Programs {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        let mut database = Database::new(self.size, self.ingestions);
        for _ in 0..self.succeeded {
            let Some(claim) = database.claim(0) else {
                break;
            };
            for batch in 0..BATCHES {
                for second in [false, true] {
                    database.load(claim, batch, second, Guards::ALL);
                }
            }
            database.publish(claim, Guards::ALL);
        }
        vec![World {
            database,
            programs: vec![Program::default(); self.size],
            removal: None,
            expiries: self.expiries,
            lost_answers: self.lost_answers,
            merges: self.merges,
            removals: self.removals,
        }]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        for (number, program) in world.programs.iter().enumerate() {
            if world.database.workers[number] && world.expiries > 0 {
                steps.push(Step::Expire(number));
            }
            // Those that have ended are found out.
            if program.ended {
                if world.database.workers[number] {
                    steps.push(Step::Expire(number));
                }
                continue;
            }
            // One stays, to finish what the others leave.
            if number > 0 {
                steps.push(Step::End(number));
            }
            match &program.run {
                None => steps.extend([Step::Claim(number), Step::ClaimUnanswered(number)]),
                Some(Run { next: None, .. }) => steps.push(Step::Rewind(number)),
                Some(Run {
                    next: Some((BATCHES.., _)),
                    ..
                }) => steps.extend([Step::Publish(number), Step::PublishUnanswered(number)]),
                Some(_) => steps.push(Step::Load(number)),
            }
            match &program.merge {
                None => steps.push(Step::BeginMerge(number)),
                Some(Merge { written: false, .. }) => steps.push(Step::LoadMerged(number)),
                Some(_) => {
                    steps.extend([
                        Step::FinishMerge(number),
                        Step::FinishMergeUnanswered(number),
                    ]);
                }
            }
        }
        for (number, row) in world.database.ingestions.iter().enumerate() {
            match row.state {
                State::Queued | State::Running => steps.push(Step::Cancel(number)),
                State::Succeeded => steps.push(Step::LookForRemoval(number)),
                State::Cancelled | State::Removed => {}
            }
        }
        steps.extend([Step::Remove, Step::Purge]);
    }

    fn next_state(&self, before: &World, step: Step) -> Option<World> {
        let mut world = before.clone();
        let is_done = world.take(step, self.guards);
        (is_done && world != *before).then_some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties: Vec<_> = ALWAYS
            .into_iter()
            .map(|(name, holds)| Property::always(name, holds))
            .collect();
        properties.push(Property::eventually(
            "every ingestion ends",
            |_, world: &World| {
                let waits = |state| matches!(state, State::Queued | State::Running);
                let mut rows = world.database.ingestions.iter();
                !rows.any(|row| waits(row.state))
            },
        ));
        if self.succeeded == 0 {
            properties.push(Property::sometimes(
                "all succeed in spite of all",
                |_, world: &World| {
                    let mut rows = world.database.ingestions.iter();
                    world.lost_answers == 0
                        && world.expiries == 0
                        && rows.all(|row| row.state == State::Succeeded)
                },
            ));
        } else {
            properties.push(Property::sometimes(
                "two are removed of one segment",
                |_, world: &World| world.database.segments.iter().any(|row| row.revision == 2),
            ));
            properties.push(Property::sometimes(
                "a merge is given up",
                |_, world: &World| {
                    let segments = &world.database.segments[3..];
                    segments.iter().any(|row| row.place == Place::Retired)
                },
            ));
        }
        properties
    }
}

impl World {
    /// Takes a step; returns whether it can be.
    #[expect(clippy::too_many_lines, reason = "an arm for each step")]
    fn take(&mut self, step: Step, guards: Guards) -> bool {
        let database = &mut self.database;
        match step {
            Step::Claim(number) | Step::ClaimUnanswered(number) => {
                let Some(claim) = database.claim(number) else {
                    return false;
                };
                if step == Step::ClaimUnanswered(number) {
                    return spend(&mut self.lost_answers);
                }
                self.programs[number].run = Some(Run { claim, next: None });
            }
            Step::Rewind(number) => {
                let run = &mut self.programs[number].run;
                let claim = run.as_ref().map(|run| run.claim);
                let checkpoint = claim.and_then(|claim| database.rewind(claim, guards));
                match (run.as_mut(), checkpoint) {
                    (Some(run), Some(checkpoint)) => run.next = Some((checkpoint, false)),
                    _ => *run = None,
                }
            }
            Step::Load(number) => {
                let run = &mut self.programs[number].run;
                let Some(Run {
                    claim,
                    next: Some((batch, second)),
                }) = *run
                else {
                    return false;
                };
                let held = database.load(claim, batch, second, guards);
                let next = if second {
                    (batch + 1, false)
                } else {
                    (batch, true)
                };
                *run = held.then_some(Run {
                    claim,
                    next: Some(next),
                });
            }
            Step::Publish(number) | Step::PublishUnanswered(number) => {
                let run = &mut self.programs[number].run;
                let Some(Run { claim, .. }) = *run else {
                    return false;
                };
                let done = database.publish(claim, guards);
                if step == Step::PublishUnanswered(number) {
                    // It asks again.
                    return done && spend(&mut self.lost_answers);
                }
                *run = None;
            }
            Step::End(number) => {
                self.programs[number] = Program {
                    ended: true,
                    ..Program::default()
                };
            }
            Step::Expire(number) => {
                database.expire(number);
                return self.programs[number].ended || spend(&mut self.expiries);
            }
            Step::Cancel(number) => database.cancel(number),
            Step::BeginMerge(number) => {
                // It chooses before it begins.
                let sources = database.live();
                if sources.len() < 2 || !spend(&mut self.merges) {
                    return false;
                }
                let Some(target) = database.begin_merge(number) else {
                    return false;
                };
                self.programs[number].merge = Some(Merge {
                    target,
                    sources,
                    written: false,
                });
            }
            Step::LoadMerged(number) => {
                let Some(merge) = &mut self.programs[number].merge else {
                    return false;
                };
                let mut blocks = Blocks::new();
                for seen in &merge.sources {
                    // Its snapshot is newer than its choice. What was purged meanwhile is not there.
                    for (block, count) in &database.segments[seen.segment].blocks {
                        *blocks.entry(*block).or_default() += count;
                    }
                }
                merge.written = database.load_merged(merge.target, number, &blocks, guards);
                if !merge.written {
                    database.abandon_merge(merge.target);
                    self.programs[number].merge = None;
                }
            }
            Step::FinishMerge(number) | Step::FinishMergeUnanswered(number) => {
                let Some(merge) = &self.programs[number].merge else {
                    return false;
                };
                let done = database.finish_merge(merge.target, number, &merge.sources, guards);
                if step == Step::FinishMergeUnanswered(number) {
                    return done && spend(&mut self.lost_answers);
                }
                if !done {
                    database.abandon_merge(merge.target);
                }
                self.programs[number].merge = None;
            }
            Step::Purge => database.purge(),
            Step::LookForRemoval(ingestion) => {
                let seen = database.removal_source(ingestion);
                let Some(seen) = seen.filter(|_| self.removal.is_none()) else {
                    return false;
                };
                self.removal = Some((ingestion, seen));
                return spend(&mut self.removals);
            }
            Step::Remove => {
                let Some((ingestion, seen)) = self.removal.take() else {
                    return false;
                };
                // Where the trips have moved, it looks again.
                if !database.remove(ingestion, &seen, guards) {
                    self.removal = database
                        .removal_source(ingestion)
                        .map(|seen| (ingestion, seen));
                }
            }
        }
        true
    }
}

/// Uses one of what may happen so often; returns whether there was one left.
fn spend(left: &mut u8) -> bool {
    let is_left = *left > 0;
    *left = left.saturating_sub(1);
    is_left
}
