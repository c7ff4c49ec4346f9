//! Model checking: every order in which the steps of several programs can follow each other.
//!
//! A model has the steps that the code takes, each as one transition where the code takes one
//! transaction, and leaves out what is inside a trip. The checker (stateright) goes through all states
//! that can be reached, and finds the shortest way to one that must not be.

mod database;
mod programs;

use stateright::{Checker, HasDiscoveries, Model};

use self::programs::{Guards, Programs};

/// The number of states of each check that finds nothing is printed: `cargo test --test models --
/// --nocapture`.
fn check(programs: Programs) -> impl Checker<Programs> {
    let threads = std::thread::available_parallelism().map_or(1, Into::into);
    let name = programs.name;
    let checker = programs.checker().threads(threads).spawn_bfs().join();
    println!("{name}: {} states", checker.unique_state_count());
    checker
}

/// The shortest way to a violation, and the name of the property.
fn violation(programs: Programs) -> Option<(&'static str, usize)> {
    let checker = programs.checker().finish_when(HasDiscoveries::AnyFailures);
    let found = checker.spawn_bfs().join().discoveries();
    let always = programs::ALWAYS.map(|property| property.0);
    found
        .into_iter()
        .find(|(name, _)| always.contains(name))
        .map(|(name, path)| (name, path.into_actions().len()))
}

#[test]
fn claims_are_fenced() {
    check(Programs::claims()).assert_properties();
}

#[test]
fn merges_and_removals_change_no_other_answer() {
    check(Programs::merges()).assert_properties();
}

/// The checker finds what a guard of the code is for as soon as it is taken away.
#[test]
fn without_any_of_the_guards_the_answers_are_wrong() {
    let all = Guards::ALL;
    for (programs, guards) in [
        (
            Programs::claims(),
            Guards {
                claim_at_blocks: false,
                ..all
            },
        ),
        (
            Programs::claims(),
            Guards {
                rewind: false,
                ..all
            },
        ),
        (
            Programs::claims(),
            Guards {
                outcome_is_looked_up: false,
                ..all
            },
        ),
        (
            Programs::merges(),
            Guards {
                removals_are_counted: false,
                ..all
            },
        ),
        (
            Programs::merges(),
            Guards {
                owner_at_merging: false,
                ..all
            },
        ),
        (
            Programs::merges(),
            Guards {
                place_at_removal: false,
                ..all
            },
        ),
    ] {
        let found = violation(programs.with(guards));
        println!("{guards:?}: {found:?}");
        assert!(found.is_some(), "{guards:?}");
    }
}
