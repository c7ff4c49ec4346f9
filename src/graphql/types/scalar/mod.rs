//! Custom scalars.

mod date;
mod date_time;
mod geo_json;
mod local_date_time;
mod long;
mod upload;

use async_graphql::{InputType, Pos, ServerError, Value};

pub(crate) use self::date::Date;
pub(crate) use self::date_time::DateTime;
pub(crate) use self::geo_json::GeoJson;
pub(crate) use self::local_date_time::LocalDateTime;
pub(crate) use self::long::Long;
pub(crate) use self::upload::Upload;

/// Checks a value of the custom scalar with this name. Accepts any value of other types.
pub(crate) fn check_scalar(name: &str, value: &Value) -> Result<(), ServerError> {
    fn check<T: InputType>(value: &Value) -> Result<(), ServerError> {
        let parsed = T::parse(Some(value.clone()));
        parsed
            .map(drop)
            .map_err(|error| error.into_server_error(Pos::default()))
    }
    match name {
        "Date" => check::<Date>(value),
        "DateTime" => check::<DateTime>(value),
        "LocalDateTime" => check::<LocalDateTime>(value),
        "Long" => check::<Long>(value),
        "Upload" => check::<Upload>(value),
        _ => Ok(()),
    }
}
