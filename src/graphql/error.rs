use std::fmt::{self, Display, Formatter};
use std::sync::Arc;

use async_graphql::{Error, ErrorExtensionValues, ServerError, Value};

use crate::analytics::AnalyticsError;
use crate::ingest::parse::LocationsError;
use crate::ingest::{FetchError, IngestError, SpoolError};
use crate::store::{self, Unavailable};

/// Kind of an error, for programs: `extensions.code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// The request is invalid; the message says why.
    BadUserInput,
    /// The object does not exist.
    NotFound,
    /// The state of the object does not allow the operation.
    Conflict,
    /// A token is missing or unknown.
    Unauthenticated,
    /// The token, the origin or the host of the request does not allow the operation.
    Forbidden,
    /// The request or a file exceeds a size limit.
    TooLarge,
    /// The operation exceeds a limit on the work for one request.
    TooComplex,
    /// The operation, or receiving the request, took too long.
    Timeout,
    /// The server does not store documents: the client must send the document itself.
    PersistedQueryNotSupported,
    /// The server cannot answer now; the client may try again later.
    Unavailable,
    /// The server failed; its log has the details.
    Internal,
}

impl Code {
    /// Every code.
    pub const ALL: [Code; 11] = [
        Code::BadUserInput,
        Code::NotFound,
        Code::Conflict,
        Code::Unauthenticated,
        Code::Forbidden,
        Code::TooLarge,
        Code::TooComplex,
        Code::Timeout,
        Code::PersistedQueryNotSupported,
        Code::Unavailable,
        Code::Internal,
    ];

    /// The code of an error of a response.
    #[must_use]
    pub fn of(error: &ServerError) -> Option<Self> {
        let Value::String(name) = error.extensions.as_ref()?.get("code")? else {
            return None;
        };
        Self::ALL.into_iter().find(|code| code.name() == name)
    }

    /// The code as written in `extensions.code`.
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
            Code::PersistedQueryNotSupported => "PERSISTED_QUERY_NOT_SUPPORTED",
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
    /// An error with this code and a message for people.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// The request is invalid.
    pub fn bad_input(message: impl Display) -> Self {
        Self::new(Code::BadUserInput, message.to_string())
    }

    /// There is no ingestion with this id.
    pub fn no_ingestion(id: impl Display) -> Self {
        Self::new(Code::NotFound, format!("there is no ingestion {id}"))
    }

    /// The server failed. Writes the details to the log; the client does not see them.
    pub fn internal(details: impl Display) -> Self {
        tracing::error!(error = %details, "internal error");
        Self::new(
            Code::Internal,
            "internal error; the server's log has the details",
        )
    }

    /// `Unavailable` with the reason if the client may try again later, else `Internal`. Logs the
    /// details of both.
    fn unavailable_or_internal(reason: Option<Unavailable>, error: &dyn std::error::Error) -> Self {
        let Some(reason) = reason else {
            return Self::internal(Causes(error));
        };
        tracing::error!(error = %Causes(error), "unavailable: {reason}");
        Self::new(Code::Unavailable, format!("{reason}; try again later"))
    }

    /// Kind of the error.
    #[must_use]
    pub const fn code(&self) -> Code {
        self.code
    }

    /// Message for people: what is wrong.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

// No `Display`: `async-graphql` converts every type that has it into an error without a code.
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
        (&error).into()
    }
}

impl From<&store::Error> for ApiError {
    fn from(error: &store::Error) -> Self {
        Self::unavailable_or_internal(error.unavailable(), error)
    }
}

impl From<AnalyticsError> for ApiError {
    fn from(error: AnalyticsError) -> Self {
        (&error).into()
    }
}

/// Coalesced questions share one result, including an error.
impl From<Arc<AnalyticsError>> for ApiError {
    fn from(error: Arc<AnalyticsError>) -> Self {
        (&*error).into()
    }
}

impl From<&AnalyticsError> for ApiError {
    fn from(error: &AnalyticsError) -> Self {
        match error {
            AnalyticsError::TooComplex(message) => Self::new(Code::TooComplex, message),
            AnalyticsError::Busy { .. } => Self::new(Code::Unavailable, error.to_string()),
            AnalyticsError::Thread(cause) => {
                tracing::error!(error = %cause, "cannot start a thread for a question");
                Self::new(
                    Code::Unavailable,
                    "the server is overloaded; try again later",
                )
            }
            AnalyticsError::Store(error) => error.into(),
        }
    }
}

impl From<SpoolError> for ApiError {
    fn from(error: SpoolError) -> Self {
        match error {
            SpoolError::TooLarge { limit } => Self::new(
                Code::TooLarge,
                format!("the file exceeds the limit of {limit} bytes"),
            ),
            SpoolError::Source(error) => {
                Self::bad_input(format_args!("the upload was interrupted: {error}"))
            }
            SpoolError::Io(error) => {
                Self::unavailable_or_internal(Unavailable::of_file(&error), &error)
            }
        }
    }
}

impl From<IngestError> for ApiError {
    fn from(error: IngestError) -> Self {
        match error {
            IngestError::NotFound(id) => Self::no_ingestion(id),
            IngestError::NoRejectedFile(message) => Self::new(Code::NotFound, message),
            IngestError::Conflict(message) => Self::new(Code::Conflict, message),
            IngestError::Format(error) => Self::bad_input(error),
            IngestError::Locations(error @ LocationsError::TooLarge) => {
                Self::new(Code::TooLarge, error.to_string())
            }
            IngestError::Locations(LocationsError::Io(error)) => SpoolError::Io(error).into(),
            IngestError::Locations(error) => Self::bad_input(error),
            IngestError::ShuttingDown => Self::new(
                Code::Unavailable,
                "the server is shutting down; try again later",
            ),
            IngestError::Fetch(FetchError::Spool(error)) | IngestError::Spool(error) => {
                error.into()
            }
            IngestError::Fetch(error @ FetchError::Forbidden) => {
                Self::new(Code::Forbidden, error.to_string())
            }
            IngestError::Fetch(error) => Self::bad_input(error),
            IngestError::Store(error) => error.into(),
        }
    }
}

/// Prints an error and its chain of causes.
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
