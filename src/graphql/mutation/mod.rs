//! Mutations, one file a noun.

mod ingestion;

use async_graphql::MergedObject;

/// What can be changed.
#[derive(Default, MergedObject)]
#[graphql(name = "Mutation")]
pub struct Mutation(ingestion::IngestionMutation);
