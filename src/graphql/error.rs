use std::fmt::{self, Display, Formatter};
use std::io;

use async_graphql::{Error, ErrorExtensionValues, ServerError};

use crate::analytics::AnalyticsError;
use crate::ingest::{IngestError, SpoolError};
use crate::store;

/// What kind of error it is, for programs: `extensions.code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// Something in the request is wrong; the message says what.
    BadUserInput,
    /// There is no such thing.
    NotFound,
    /// The thing is not in a state that allows this.
    Conflict,
    /// A token is needed, or the one given is unknown.
    Unauthenticated,
    /// The token, or the origin of the request, does not allow this.
    Forbidden,
    /// More bytes than the server takes.
    TooLarge,
    /// More work than the server does for one request.
    TooComplex,
    /// The answer took too long.
    Timeout,
    /// Not now; try again later.
    Unavailable,
    /// The server's own fault; its log has the details.
    Internal,
}

impl Code {
    /// The code as it stands in `extensions.code`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Code::BadUserInput => "BAD_USER_INPUT",
            Code::NotFound => "NOT_FOUND",
            Code::Conflict => "CONFLICT",
            Code::Unauthenticated => "UNAUTHENTICATED",
            Code::Forbidden => "FORBIDDEN",
            Code::TooLarge => "TOO_LARGE",
            Code::TooComplex => "TOO_COMPLEX",
            Code::Timeout => "TIMEOUT",
            Code::Unavailable => "UNAVAILABLE",
            Code::Internal => "INTERNAL",
        }
    }
}

/// An error as a client sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    code: Code,
    message: String,
}

impl ApiError {
    /// An error of that code with a message for people.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// Something in the request is wrong.
    pub fn bad_input(message: impl Display) -> Self {
        Self::new(Code::BadUserInput, message.to_string())
    }

    /// There is no ingestion of that id.
    pub fn no_ingestion(id: impl Display) -> Self {
        Self::new(Code::NotFound, format!("there is no ingestion {id}"))
    }

    /// The server's own fault: the details go to the log, not to the client.
    pub fn internal(details: impl Display) -> Self {
        tracing::error!(error = %details, "internal error");
        Self::new(
            Code::Internal,
            "internal error; the server's log has the details",
        )
    }

    /// What kind of error it is.
    #[must_use]
    pub const fn code(&self) -> Code {
        self.code
    }

    /// What is wrong, for people.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

// No `Display`: the library would turn everything that has it into an error without a code.
impl From<ApiError> for Error {
    fn from(error: ApiError) -> Self {
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", error.code.name());
        Self {
            message: error.message,
            source: None,
            extensions: Some(extensions),
        }
    }
}

impl From<ApiError> for ServerError {
    fn from(error: ApiError) -> Self {
        let Error {
            message,
            extensions,
            ..
        } = error.into();
        let mut error = ServerError::new(message, None);
        error.extensions = extensions;
        error
    }
}

impl From<store::Error> for ApiError {
    fn from(error: store::Error) -> Self {
        if error.is_unavailable() {
            tracing::error!(error = %Causes(&error), "the database is not available");
            let message = if error.is_in_doubt() {
                "the database can't be reached, and has not confirmed the change, which may have \
                 been made; try again later"
            } else {
                "the database is busy or can't be reached; try again later"
            };
            return Self::new(Code::Unavailable, message);
        }
        Self::internal(Causes(&error))
    }
}

impl From<AnalyticsError> for ApiError {
    fn from(error: AnalyticsError) -> Self {
        match error {
            AnalyticsError::TooComplex(message) => Self::new(Code::TooComplex, message),
            AnalyticsError::Store(error) => error.into(),
        }
    }
}

impl From<SpoolError> for ApiError {
    fn from(error: SpoolError) -> Self {
        match error {
            SpoolError::TooLarge { limit } => Self::new(
                Code::TooLarge,
                format!("the file is larger than {limit} bytes"),
            ),
            SpoolError::Source(error) => {
                Self::bad_input(format_args!("the upload broke off: {error}"))
            }
            SpoolError::Io(error) if error.kind() == io::ErrorKind::StorageFull => Self::new(
                Code::Unavailable,
                "the server's disk is full; try again later",
            ),
            SpoolError::Io(error) => Self::internal(Causes(&error)),
        }
    }
}

impl From<IngestError> for ApiError {
    fn from(error: IngestError) -> Self {
        match error {
            IngestError::NotFound(id) => Self::no_ingestion(id),
            IngestError::Conflict(message) => Self::new(Code::Conflict, message),
            IngestError::ShuttingDown => Self::new(
                Code::Unavailable,
                "the server is shutting down; try again later",
            ),
            IngestError::Spool(error) => error.into(),
            IngestError::Store(error) => error.into(),
        }
    }
}

/// Prints an error and everything that caused it.
struct Causes<'a>(&'a dyn std::error::Error);

impl Display for Causes<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
