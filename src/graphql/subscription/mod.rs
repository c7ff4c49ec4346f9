//! Subscriptions, one file a noun.

mod ingestion;

use async_graphql::MergedSubscription;

/// What can be followed as it happens.
#[derive(Default, MergedSubscription)]
#[graphql(name = "Subscription")]
pub struct Subscription(ingestion::IngestionSubscription);
