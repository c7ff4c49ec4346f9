//! Keys of packed counters: a datasource, and below it a week or a half-hour.

const LOW_BITS: u32 = 6;

/// The key of a datasource's trips in an ISO week of the year (1–53) or a half-hour of the day
/// (0–47). Keys sort by datasource first.
#[must_use]
pub const fn counter_key(datasource: u32, week_or_slot: u8) -> u32 {
    datasource << LOW_BITS | week_or_slot as u32
}

/// The datasource and the week or half-hour of a key.
#[must_use]
pub const fn split_counter_key(key: u32) -> (u32, u8) {
    let [low, ..] = key.to_le_bytes();
    (key >> LOW_BITS, low & ((1 << LOW_BITS) - 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::MAX_DIMENSION_ID;

    #[test]
    fn keys_come_apart_again_and_sort_by_datasource() {
        let mut before = None;
        for datasource in [0, 1, 2, MAX_DIMENSION_ID] {
            for low in 0..=53 {
                let key = counter_key(datasource, low);
                assert_eq!(split_counter_key(key), (datasource, low));
                assert!(before < Some(key));
                before = Some(key);
            }
        }
    }
}
