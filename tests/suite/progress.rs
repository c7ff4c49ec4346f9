//! What subscribers see of an ingestion's work: its phases, percent of all of it, what is left.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Instant;

use futures::StreamExt;
use tripgraph::model::{Ingestion, IngestionPhase, IngestionState};

use super::support::backend::Backend;
use super::support::data::Shape;
use super::support::random::Random;

fn file(rows: usize, seed: u64) -> String {
    Shape::new(rows).file(&mut Random::new(seed))
}

/// The states of an ingestion to its end, with the seconds at which they came.
async fn states(backend: &Backend, id: i64) -> Vec<(f64, Ingestion)> {
    let began = Instant::now();
    let states = backend.ingestions.watch(id).await.unwrap().unwrap();
    states
        .map(|state| (began.elapsed().as_secs_f64(), state))
        .collect()
        .await
}

/// Percent only grow, over all phases, which come in their order and only while it runs.
fn is_steady(states: &[(f64, Ingestion)]) {
    let percent: Vec<_> = states.iter().map(|(_, at)| at.percent().unwrap()).collect();
    assert!(percent.is_sorted(), "{percent:?}");
    let phases: Vec<_> = states
        .iter()
        .filter_map(|(_, at)| at.phase.map(|phase| phase == IngestionPhase::Publishing))
        .collect();
    assert!(phases.is_sorted(), "{phases:?}");
    for (_, at) in states {
        let runs = at.state == IngestionState::Running;
        assert_eq!(at.phase.is_some(), runs, "{at:?}");
        assert_eq!(at.percent() == Some(100.0), at.state.is_final(), "{at:?}");
        assert!(
            at.eta_seconds.is_none_or(|left| runs && left >= 0.0),
            "{at:?}"
        );
    }
    assert_eq!(states.last().unwrap().1.state, IngestionState::Succeeded);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn publishing_is_a_phase_with_progress_of_its_own() {
    let backend = Backend::start().await;
    for seed in 0..2 {
        let id = backend.enqueue(&file(150_000, seed), None).await;
        let states = states(&backend, id).await;
        is_steady(&states);
        let (_, ended) = states.last().unwrap();
        let publishing: Vec<_> = states
            .iter()
            .filter(|(_, at)| at.phase == Some(IngestionPhase::Publishing))
            .collect();
        let (_, first) = publishing.first().expect("it publishes");
        assert!(first.eta_seconds.is_some(), "{first:?}");
        assert_eq!(first.rows_read, ended.rows_read);
        // It does not stand near the end meanwhile.
        let (_, last) = publishing.last().unwrap();
        if publishing.len() > 4 {
            let (first, last) = (first.percent().unwrap(), last.percent().unwrap());
            assert!(last > first, "{first} to {last}");
        }
        // What is left is told with publishing, roughly: this machine does other things, too.
        let end = states.last().unwrap().0;
        let middle = states.iter().find(|(at, _)| *at > end / 2.0).unwrap();
        let left = middle.1.eta_seconds.unwrap();
        assert!(
            left > (end - middle.0) / 5.0 && left < 5.0 * end,
            "{left} of {end}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_on_does_not_begin_at_nothing() {
    let backend = Backend::start().await;
    let id = backend.enqueue(&file(150_000, 1), None).await;
    backend.until(id, |at| at.rows_read > 20_000).await;
    let backend = Backend::start_in(backend.stop().await).await;
    let states = states(&backend, id).await;
    is_steady(&states);
    assert!(states[0].1.percent().unwrap() > 10.0, "{:?}", states[0]);
}
