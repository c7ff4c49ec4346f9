//! Quotes, carriage returns and first lines, as programs and people write them.

use super::*;

const TAIL: &str = "POINT (14.4 50.0),POINT (14.5 50.1),2018-05-28 09:03:40";
const BEHIND_QUOTE: &str =
    "text follows a closing quote: a quote inside a quoted field must be doubled (\"\")";
const BARE_RETURN: &str =
    "an unquoted field contains a carriage return: all lines must have the same line end";

/// A row of that datasource.
fn row(datasource: &str) -> String {
    format!("Lyon,{TAIL},{datasource}\n")
}

fn lines(outcomes: &[Outcome]) -> (Vec<u64>, Vec<u64>) {
    (good(outcomes), bad(outcomes))
}

fn reason(outcome: &Outcome) -> &str {
    &outcome.as_ref().unwrap_err().reason
}

#[test]
fn stray_quotes_cost_their_own_lines() {
    let (good, open) = (row("bikes"), row("\"fleet 20"));
    for (file, expected) in [
        (
            format!("{open}{good}{good}{good}"),
            (vec![3, 4, 5], vec![2]),
        ),
        (
            format!("{open}{good}{good}{open}{good}"),
            (vec![3, 4, 6], vec![2, 5]),
        ),
        (
            format!("{open}\"Lyon\",{TAIL},bikes\n{good}"),
            (vec![3, 4], vec![2]),
        ),
        (
            format!("\"{good}{good}\"{good}{good}"),
            (vec![3, 5], vec![2, 4]),
        ),
    ] {
        let outcomes = rows(file);
        assert_eq!(lines(&outcomes), expected);
        let rejected = outcomes.iter().filter(|outcome| outcome.is_err());
        for outcome in rejected {
            assert_eq!(reason(outcome), "an opening quote is never closed");
        }
    }
}

#[test]
fn text_behind_a_closing_quote_is_named() {
    let outcomes = rows(
        [
            row(r#""Ann\"s cab, north""#),
            row(r#""\"Ann\"""#),
            row(r#""a" b"#),
            row(r#""a" "#),
        ]
        .concat(),
    );
    assert_eq!(lines(&outcomes), (vec![5], vec![2, 3, 4]));
    assert!(outcomes[..3].iter().all(|row| reason(row) == BEHIND_QUOTE));
    // Behind a field that spans lines it is still one row.
    let outcomes = rows(format!(
        "\"Nice\nCity\",{TAIL},\"Ann\\\"s\"\n{}",
        row("bikes")
    ));
    assert_eq!(lines(&outcomes), (vec![4], vec![2]));
    assert_eq!(reason(&outcomes[0]), BEHIND_QUOTE);
}

#[test]
fn a_quoted_field_may_hold_whole_rows() {
    let inside = row("bikes").repeat(2);
    let file = format!("{HEADER}\"{inside}\",{TAIL},bikes\n{}", row("bikes"));
    let lacking = open(file.replace("datetime", "note"));
    assert!(lacking.is_err(), "this header lacks the departure");
    let header = HEADER.replace("region", "note,region");
    let file = format!("{header}\"{inside}\",Lyon,{TAIL},bikes\nx,{}", row("bikes"));
    assert_eq!(good(&outcomes(&mut open(file).unwrap())), [2, 5]);
}

#[test]
fn carriage_returns() {
    let file = format!("{HEADER}{}{}", row("bikes"), row("\"a\nb\""));
    let mac = file.replace('\n', "\r");
    for file in [
        mac.clone(),
        format!("\r\r{mac}\r"),
        format!("\"note\"\r{mac}"),
    ] {
        let outcome = open(&file).map(|mut reader| good(&outcomes(&mut reader)));
        match outcome {
            Ok(lines) if file == mac => assert_eq!(lines, [2, 3]),
            Ok(lines) => assert_eq!(lines, [4, 5]),
            Err(error) => assert_eq!(error.code(), "HEADER_NOT_FIRST"),
        }
    }
    // In such a file every line end ends a record.
    let mixed = format!("{}{}\r\n{}", HEADER.replace('\n', "\r"), ROW, row("bikes"));
    assert_eq!(good(&outcomes(&mut open(mixed).unwrap())), [2, 3]);

    let outcomes = rows(format!("{ROW}\r\n{ROW}\r{ROW}\n{ROW}\r\r\n{ROW}\r"));
    assert_eq!(lines(&outcomes), (vec![2, 4, 5], vec![3]));
    assert_eq!(reason(&outcomes[1]), BARE_RETURN);
}

#[test]
fn a_long_file_of_carriage_returns() {
    let file = format!("{HEADER}{}", row("bikes").repeat(5_000)).replace('\n', "\r");
    assert_eq!(outcomes(&mut open(file).unwrap()).len(), 5_000);
}

#[test]
fn records_of_empty_fields_are_no_rows() {
    let outcomes = rows(format!(
        "{ROW}\r\n,,,,\r\n\"\",\" \"\n,\n\u{feff},\n{ROW}\n,,,,,,,\n"
    ));
    assert_eq!(lines(&outcomes), (vec![2, 7], vec![]));
}

#[test]
fn byte_order_marks_are_passed_over() {
    let quoted = row("bikes").replace("Lyon", "\"Lyon\"");
    let file = format!(
        "\u{feff}\u{feff}{HEADER}\u{feff}{quoted}\u{feff}{}",
        row("bikes")
    );
    assert_eq!(good(&outcomes(&mut open(file).unwrap())), [2, 3]);
}

#[test]
fn a_declared_delimiter_is_obeyed() {
    for (sep, delimiter) in [
        ("sep=;", ";"),
        ("\u{feff}SEP=|", "|"),
        ("sep=\t", "\t"),
        ("sep=,", ","),
    ] {
        for end in ["\n", "\r\n", "\r"] {
            let file = format!("{HEADER}{}", row("bikes")).replace(',', delimiter);
            let file = format!("{sep}\n{file}").replace('\n', end);
            assert_eq!(good(&outcomes(&mut open(file).unwrap())), [3], "{sep:?}");
        }
    }
    for delimiter in [";", "\t", "|"] {
        let file = format!("{HEADER}{ROW}").replace(',', delimiter);
        assert_eq!(
            good(&outcomes(&mut open(file).unwrap())),
            [2],
            "{delimiter:?}"
        );
    }
}

#[test]
fn a_header_that_is_not_first_is_found() {
    for (before, line) in [("Trips,,,,\n", 2), ("Trips\n\nof March\n", 4)] {
        let message = open(format!("{before}{HEADER}{ROW}"))
            .unwrap_err()
            .to_string();
        let expected = format!("the header seems to be on line {line}:");
        assert!(message.contains(&expected), "{message}");
    }
}

#[test]
fn lines_that_are_one_quoted_field_are_recognised() {
    for end in ["\"\r\n", "\",,\n"] {
        let file = format!("\"{}{end}\"{ROW}{end}", HEADER.trim_end());
        let error = open(file).unwrap_err();
        assert_eq!(error.code(), "QUOTED_LINES");
        assert!(
            error
                .to_string()
                .starts_with("each line is one quoted field")
        );
    }
}
