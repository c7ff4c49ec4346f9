//! The reader against the `csv` crate.

use std::borrow::Cow;

use proptest::prelude::*;

use super::*;

type Fields = Vec<Vec<u8>>;

fn ours(csv: &[u8]) -> Vec<Fields> {
    let mut reader = open([HEADER.as_bytes(), csv].concat()).unwrap();
    let mut chunk = RecordChunk::new();
    let mut records = Vec::new();
    while reader.fill(&mut chunk, 5).unwrap() {
        let fields = |record: Record<'_>| record.fields().map(Cow::into_owned).collect();
        records.extend(chunk.iter().map(fields));
    }
    records
}

/// The `csv` crate's records. Its line numbers are of no use here: after CRLF and blank lines they
/// lag behind.
fn theirs(csv: &[u8]) -> Vec<Fields> {
    csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(csv)
        .byte_records()
        .map(|record| record.unwrap().iter().map(<[u8]>::to_vec).collect())
        .collect()
}

fn written(records: &[Fields], style: csv::QuoteStyle, terminator: csv::Terminator) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new()
        .flexible(true)
        .quote_style(style)
        .terminator(terminator)
        .from_writer(Vec::new());
    for record in records {
        writer.write_record(record).unwrap();
    }
    writer.into_inner().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_the_csv_crate_writes_we_read(
        records in prop::collection::vec(
            prop::collection::vec(
                prop_oneof!["[a-c\",\r\n ž]{0,8}", "\\PC{0,20}"].prop_map(String::into_bytes),
                2..7,
            ),
            0..20,
        ),
        always in any::<bool>(),
        crlf in any::<bool>(),
    ) {
        let style = if always { csv::QuoteStyle::Always } else { csv::QuoteStyle::Necessary };
        let terminator = if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') };
        let csv = written(&records, style, terminator);
        prop_assert_eq!(ours(&csv), records);
    }

    #[test]
    fn odd_quotes_are_read_as_by_the_csv_crate(text in "([ab\",]{0,6}\n){0,8}[ab\",]{0,6}") {
        // With a quote left open the two part on purpose: there only one line is given up.
        let quote_open = read_leaves_quote_open(text.as_bytes());
        if !quote_open {
            prop_assert_eq!(ours(text.as_bytes()), theirs(text.as_bytes()), "{:?}", text);
        }
    }
}

/// Whether the file ends inside quotes, by the `csv` crate: then what is appended there is a part of
/// the last field, and no record of its own.
fn read_leaves_quote_open(csv: &[u8]) -> bool {
    let longer = [csv, b"\nend"].concat();
    theirs(&longer)
        .last()
        .is_none_or(|fields| fields != &[b"end".to_vec()])
}
