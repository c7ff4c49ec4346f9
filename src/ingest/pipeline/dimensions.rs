//! Dimensions: numbers the regions and datasources of ingestions in the database.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Handle;

use super::names::Names;
use super::parse::ParsedChunk;
use crate::model::IngestionId;
use crate::store::{Error, Store};

/// The numbers of the regions and datasources seen so far.
#[derive(Clone)]
pub(super) struct Dimensions {
    store: Store,
    runtime: Handle,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    regions: Names,
    datasources: Names,
}

/// The numbers of the names of a chunk.
pub(super) struct ChunkNumbers {
    pub(super) regions: Vec<u32>,
    pub(super) datasources: Vec<u32>,
}

impl Dimensions {
    /// No names; asks the database from threads outside the runtime that is current now.
    pub(super) fn new(store: &Store) -> Self {
        Self {
            store: store.clone(),
            runtime: Handle::current(),
            seen: Arc::default(),
        }
    }

    /// Numbers the names of a chunk, and sets these numbers and the ingestion of its trips.
    pub(super) fn number(
        &self,
        ingestion: IngestionId,
        chunk: &mut ParsedChunk,
    ) -> Result<ChunkNumbers, Error> {
        let Self { store, runtime, .. } = self;
        // Who needs a name that is asked for waits for it.
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let regions = seen.regions.numbers(&chunk.regions, |names| {
            runtime.block_on(store.region_ids(names))
        })?;
        let datasources = seen.datasources.numbers(&chunk.datasources, |names| {
            runtime.block_on(store.datasource_ids(names))
        })?;
        drop(seen);
        for trip in &mut chunk.trips {
            trip.ingestion = ingestion;
            trip.region = regions[trip.region as usize];
            trip.datasource = datasources[trip.datasource as usize];
        }
        Ok(ChunkNumbers {
            regions,
            datasources,
        })
    }
}
