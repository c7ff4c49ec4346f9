use async_graphql::{Context, InputValueError, InputValueResult, Scalar, ScalarType, Value};

use crate::graphql::ApiError;
use crate::graphql::uploads::{Uploads, referred};
use crate::ingest::SpooledFile;

/// A file of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Upload(usize);

impl Upload {
    /// Waits until the whole file has arrived.
    pub(crate) async fn receive(self, ctx: &Context<'_>) -> Result<SpooledFile, ApiError> {
        match ctx.data_opt::<Uploads>() {
            Some(uploads) => uploads.take(self.0).await,
            None => Err(ApiError::bad_input("send the file in a multipart request")),
        }
    }
}

/// A file, sent according to the GraphQL multipart request specification: `null` in the variables,
/// and a part of a `multipart/form-data` request that `map` assigns to the variable.
#[Scalar(
    name = "Upload",
    specified_by_url = "https://github.com/jaydenseric/graphql-multipart-request-spec"
)]
impl ScalarType for Upload {
    fn parse(value: Value) -> InputValueResult<Self> {
        referred(&value).map(Self).ok_or_else(|| {
            InputValueError::custom("send the file as a part of a multipart request")
        })
    }

    fn is_valid(value: &Value) -> bool {
        referred(value).is_some()
    }

    fn to_value(&self) -> Value {
        Value::Null
    }
}
