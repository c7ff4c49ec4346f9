//! The GraphQL schema. Resolvers validate arguments, call a service and wrap its result.
//!
//! [`schema`] builds it from the [`Services`]. [`Operation::parse`] turns a request into an
//! operation whose kind is known before execution. [`Operation::execute`] and
//! [`Operation::stream`] run it with the limits, the time-out and the error codes that all
//! transports share.

mod cache;
mod cost;
mod cursor;
mod disclosure;
mod document;
mod error;
mod errors;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzz;
mod limits;
mod mutation;
mod operation;
mod query;
mod request_id;
mod subscription;
mod types;
mod uploads;

use async_graphql::{SDLExportOptions, ValidationMode};

pub use self::disclosure::Disclosure;
pub use self::error::{ApiError, Code};
pub use self::limits::Limits;
pub use self::mutation::Mutation;
pub use self::operation::{Operation, OperationKind, is_request_error};
pub use self::query::Query;
pub use self::request_id::RequestId;
pub use self::subscription::Subscription;
use self::types::{
    IngestionConnection, OdPairConnection, RejectedRowConnection, TripConnection,
    TripGroupConnection, ZoneConnection,
};
pub use self::uploads::{UploadSender, Uploads};
use crate::analytics::{Answers, ZoneSets};
use crate::ingest::{Fetcher, Ingestions};
use crate::store::Store;

/// The complete schema of the API.
pub type Schema = async_graphql::Schema<Query, Mutation, Subscription>;

/// The services that the resolvers call.
#[derive(Clone)]
pub struct Services {
    /// Enqueues, monitors, cancels and removes ingestions.
    pub ingestions: Ingestions,
    /// Downloads files.
    pub fetcher: Fetcher,
    /// The database.
    pub store: Store,
    /// Sets of zones.
    pub zones: ZoneSets,
    /// Answers expensive questions.
    pub answers: Answers,
    /// Limits on operations.
    pub limits: Limits,
}

/// Builds the schema from `services`.
#[must_use]
pub fn schema(services: Services) -> Schema {
    let limits = services.limits;
    builder()
        // Documents are already validated: see `document`.
        .validation_mode(ValidationMode::Fast)
        .limit_depth(limits.depth)
        .limit_complexity(limits.complexity)
        .limit_aliases(limits.aliases)
        .extension(errors::CodedErrors)
        .data(services.ingestions)
        .data(services.fetcher)
        .data(services.zones)
        .data(services.store)
        .data(services.answers)
        .data(limits)
        .finish()
}

/// The schema in the schema definition language; needs no services.
#[must_use]
pub fn sdl() -> String {
    builder().finish().sdl_with_options(
        SDLExportOptions::new()
            .include_specified_by()
            .use_space_ident()
            .indent_width(2),
    )
}

fn builder() -> async_graphql::SchemaBuilder<Query, Mutation, Subscription> {
    Schema::build(
        Query::default(),
        Mutation::default(),
        Subscription::default(),
    )
    .override_output_type_description::<IngestionConnection>("A page of ingestions.")
    .override_output_type_description::<RejectedRowConnection>("A page of rejected rows.")
    .override_output_type_description::<TripConnection>("A page of trips.")
    .override_output_type_description::<ZoneConnection>("A page of zones.")
    .override_output_type_description::<OdPairConnection>("A page of pairs of zones.")
    .override_output_type_description::<TripGroupConnection>("A page of groups of trips.")
}
