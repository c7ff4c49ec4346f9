//! Mutations, one file per noun.

mod ingestion;

use async_graphql::MergedObject;

/// Mutations: they change the stored trips.
#[derive(Default, MergedObject)]
#[graphql(name = "Mutation")]
pub struct Mutation(ingestion::IngestionMutation);
