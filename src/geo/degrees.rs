/// Degrees, or what should be degrees, for messages: the shortest text that is read as the same
/// number, with an exponent if it is huge or tiny.
pub(super) fn shown(degrees: f64) -> String {
    let text = format!("{degrees:?}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_any_size_are_short() {
        for (degrees, text) in [
            (14.42, "14.42"),
            (-91.0, "-91"),
            (180.000_000_000_000_03, "180.00000000000003"),
            (1e15, "1000000000000000"),
            (50e293, "5e294"),
            (f64::MIN, "-1.7976931348623157e308"),
            (5e-324, "5e-324"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(shown(degrees), text);
            assert_eq!(text.parse(), Ok(degrees));
        }
        assert_eq!(shown(f64::NAN), "NaN");
    }
}
