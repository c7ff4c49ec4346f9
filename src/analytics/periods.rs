//! Counting a period, and another one to compare it with.

use crate::model::{Selection, Week};

/// A period from one week to another, both included.
pub type Period = (Week, Week);

/// Trips of two periods: the one that is asked for, and the one that it is compared with.
pub(super) type Counts = [u64; 2];

/// Which periods a week belongs to.
#[derive(Debug)]
pub(super) struct Periods {
    from: u32,
    to: u32,
    before: Option<Period>,
}

impl Periods {
    /// The periods of a question, and the selection of the trips of both.
    pub(super) fn of(selection: &Selection, comparison: Comparison) -> (Self, Selection) {
        let before = comparison.period;
        let periods = Self {
            from: selection.from_week.map_or(0, Week::number),
            to: selection.to_week.map_or(u32::MAX, Week::number),
            before,
        };
        let mut all = selection.clone();
        if let Some((from, to)) = before {
            all.from_week = all.from_week.map(|week| week.min(from));
            all.to_week = all.to_week.map(|week| week.max(to));
        }
        (periods, all)
    }

    /// Whether there is no period to compare with: then all trips of the selection are in the one.
    pub(super) const fn is_one(&self) -> bool {
        self.before.is_none()
    }

    /// A selected trip of a week in each of the periods: 0 or 1.
    #[inline]
    pub(super) fn count(&self, week: impl FnOnce() -> u32) -> Counts {
        let Some((from, to)) = self.before else {
            return [1, 0];
        };
        let week = week();
        let now = self.from <= week && week <= self.to;
        let before = from.number() <= week && week <= to.number();
        [now.into(), before.into()]
    }
}

/// How a question is compared with another period, and ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Comparison {
    /// The period to compare with.
    pub period: Option<Period>,
    /// The order of groups or pairs.
    pub order: Order,
}

/// The order of groups or pairs, each the largest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Order {
    /// By the number of trips.
    #[default]
    Trips,
    /// By the difference to the other period, whether more or fewer.
    Change,
}

impl Order {
    /// The number that is ordered by.
    pub(super) const fn rank(self, [trips, before]: Counts) -> u64 {
        match self {
            Self::Trips => trips,
            Self::Change => trips.abs_diff(before),
        }
    }
}
