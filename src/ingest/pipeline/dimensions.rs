//! Dimensions: numbers the regions and datasources of an ingestion in the database.

use tokio::runtime::Handle;

use super::names::Names;
use super::parse::ParsedChunk;
use crate::store::{Error, Store};

/// The numbers of the regions and datasources seen so far.
pub(super) struct Dimensions {
    store: Store,
    runtime: Handle,
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
            regions: Names::default(),
            datasources: Names::default(),
        }
    }

    /// Numbers the names of a chunk, and sets the numbers of its trips.
    pub(super) fn number(&mut self, chunk: &mut ParsedChunk) -> Result<ChunkNumbers, Error> {
        let Self { store, runtime, .. } = self;
        let regions = self.regions.numbers(&chunk.regions, |names| {
            runtime.block_on(store.region_ids(names))
        })?;
        let datasources = self.datasources.numbers(&chunk.datasources, |names| {
            runtime.block_on(store.datasource_ids(names))
        })?;
        for trip in &mut chunk.trips {
            trip.region = regions[trip.region as usize];
            trip.datasource = datasources[trip.datasource as usize];
        }
        Ok(ChunkNumbers {
            regions,
            datasources,
        })
    }
}
