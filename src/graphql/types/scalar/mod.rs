//! Scalars of our own.

mod date;
mod date_time;
mod local_date_time;
mod long;
mod upload;

pub(crate) use self::date::Date;
pub(crate) use self::date_time::DateTime;
pub(crate) use self::local_date_time::LocalDateTime;
pub(crate) use self::long::Long;
pub(crate) use self::upload::Upload;
