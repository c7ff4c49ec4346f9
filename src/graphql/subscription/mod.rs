//! Subscriptions, one file per noun.

mod ingestion;

use async_graphql::MergedSubscription;

/// Subscriptions: they send changes as they happen.
#[derive(Default, MergedSubscription)]
#[graphql(name = "Subscription")]
pub struct Subscription(ingestion::IngestionSubscription);
