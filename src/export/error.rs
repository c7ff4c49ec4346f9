use crate::analytics::AnalyticsError;
use crate::store;

/// Why a file was not written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A parameter cannot be used.
    #[error(transparent)]
    Param(#[from] ParamError),
    /// There is no zone with this identifier.
    #[error("there is no zone {0}")]
    NoZone(String),
    /// There is no set of zones of this name.
    #[error("there is no zone set {0}")]
    NoZoneSet(String),
    /// The zones could not be read.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The question was not answered.
    #[error(transparent)]
    Question(#[from] AnalyticsError),
}

/// A parameter that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}`: {message}")]
pub struct ParamError {
    /// The name of the parameter in a URL.
    pub name: String,
    /// What is wrong with it.
    pub message: String,
}

impl ParamError {
    pub(super) fn new(name: &str, message: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            message: message.into(),
        }
    }
}
