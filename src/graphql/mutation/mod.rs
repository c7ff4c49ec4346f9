//! Mutations, one file per noun.

mod ingestion;
mod zone;

use async_graphql::MergedObject;

/// Mutations: they change the stored trips and zones.
#[derive(Default, MergedObject)]
#[graphql(name = "Mutation")]
pub struct Mutation(ingestion::IngestionMutation, zone::ZoneMutation);
