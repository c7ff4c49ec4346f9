//! The GraphQL schema: resolvers validate, delegate, wrap.
//!
//! [`schema`] builds it over the [`Services`]; [`Operation::parse`] turns a request into an
//! operation whose kind is known before anything runs, and [`Operation::execute`] or
//! [`Operation::stream`] run it with the limits, the time-out and the error codes that every
//! transport shares.

mod cache;
mod cursor;
mod document;
mod error;
mod errors;
mod limits;
mod mutation;
mod operation;
mod query;
mod subscription;
mod types;
mod uploads;

use async_graphql::{SDLExportOptions, ValidationMode};

pub use self::error::{ApiError, Code};
pub use self::limits::Limits;
pub use self::mutation::Mutation;
pub use self::operation::{Operation, OperationKind, RequestId, is_request_error};
pub use self::query::Query;
pub use self::subscription::Subscription;
use self::types::{
    IngestionConnection, RejectedRowConnection, TripConnection, TripGroupConnection,
};
pub use self::uploads::{UploadSender, Uploads};
use crate::analytics::Answers;
use crate::ingest::Ingestions;
use crate::store::Store;

/// The schema of the whole API.
pub type Schema = async_graphql::Schema<Query, Mutation, Subscription>;

/// What the resolvers delegate to.
#[derive(Clone)]
pub struct Services {
    /// Uploads, their progress and their end.
    pub ingestions: Ingestions,
    /// What the questions are answered from.
    pub store: Store,
    /// Answers to the questions that are dear.
    pub answers: Answers,
    /// How large an operation may be.
    pub limits: Limits,
}

/// The schema over `services`.
#[must_use]
pub fn schema(services: Services) -> Schema {
    let limits = services.limits;
    builder()
        // Documents are validated before: see `document`.
        .validation_mode(ValidationMode::Fast)
        .limit_depth(limits.depth)
        .limit_complexity(limits.complexity)
        .limit_aliases(limits.aliases)
        .extension(errors::CodedErrors)
        .data(services.ingestions)
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
    .override_output_type_description::<TripGroupConnection>("A page of groups of trips.")
}
