//! The clock.

use std::time::SystemTime;

use chrono::{DateTime, Utc};

/// The current time by the system clock. Unlike `Utc::now`, it does not panic before 1970.
#[must_use]
pub fn now() -> DateTime<Utc> {
    SystemTime::now().into()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn times_before_1970_are_times() {
        let time: DateTime<Utc> = (SystemTime::UNIX_EPOCH - Duration::from_hours(24)).into();
        assert_eq!(time.to_rfc3339(), "1969-12-31T00:00:00+00:00");
    }
}
