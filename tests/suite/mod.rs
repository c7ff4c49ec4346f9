//! What must hold on every database, seen from outside. Which one it is the crate's name tells.

pub mod program;
pub mod support;

mod admission;
mod answers;
mod areas;
mod cli;
mod cost;
mod errors;
mod exactness;
mod exports;
mod extent;
mod handing_over;
mod joining;
mod merging;
mod progress;
mod queries;
mod recovery;
mod rejected;
mod removal;
mod replacing;
mod sample;
mod similar_trips;
mod sql_trips;
#[cfg(feature = "otel")]
mod traces;
mod verify;
mod warnings;
mod weekly_average;
mod zones;
