//! The reader against the slow, obvious one of [`oracle`](super::super::oracle).

use proptest::prelude::*;

use super::super::oracle::assert_as_oracle;
use super::*;

fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => "[a\",\r\n ]{1,8}",
        2 => "[a\",\n\u{feff}\u{a0}ž\u{200b}]{1,8}",
        2 => Just("x\",\"\n".to_owned()),
        2 => Just("\",\",\"a\"\n".to_owned()),
        1 => Just(",,\r\n".to_owned()),
        1 => Just("a,\"b\nc\",d\n".to_owned()),
        1 => Just(format!("{ROW}\n")),
    ];
    // Repeated, so that look-aheads meet their limits.
    (prop::collection::vec(piece, 0..12), 1usize..6)
        .prop_map(|(pieces, times)| pieces.concat().repeat(times))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn records_are_those_of_the_oracle(
        text in text(),
        any_end in any::<bool>(),
        limits in (60usize..200, 0usize..40, 1usize..50, 1usize..8),
    ) {
        assert_as_oracle(&text, any_end, limits);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5))]

    #[test]
    fn so_they_are_at_the_usual_limits(
        text in text(),
        length in 66_000usize..90_000,
        any_end in any::<bool>(),
    ) {
        let text = text.repeat(length / text.len().max(1));
        assert_as_oracle(&text, any_end, (MAX_RECORD_BYTES, 1 << 20, 1 << 20, 2_000));
    }
}
