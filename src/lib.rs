//! tripgraph: ingests CSV files of trips on demand, groups similar trips, and computes the weekly
//! average number of trips in an area.
//!
//! Layers import downward only: `cli → http → {graphql, export, report} → {ingest, analytics} →
//! store → {geo, model, entity, text}`.

pub mod analytics;
pub mod backoff;
pub mod cli;
pub mod clock;
pub mod config;
pub mod export;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
pub mod generate;
pub mod geo;
pub mod graphql;
pub mod http;
pub mod ingest;
pub mod model;
pub mod report;
pub mod store;
pub mod telemetry;
pub mod text;
mod threads;
