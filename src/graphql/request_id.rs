/// The id that identifies a request in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(pub String);
