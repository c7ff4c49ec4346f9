//! The reader against the `csv` crate.

use proptest::prelude::*;

use super::super::quoting;
use super::*;

type Fields = Vec<Vec<u8>>;

fn ours(csv: &[u8]) -> Vec<Fields> {
    let mut reader = open([HEADER.as_bytes(), csv].concat()).unwrap();
    let mut chunk = RecordChunk::new();
    let mut records = Vec::new();
    while reader.fill(&mut chunk, 5).unwrap() {
        records.extend(chunk.iter().map(|record| {
            let fields = quoting::Fields::new(record.bytes, record.shape, b',');
            fields.map(std::borrow::Cow::into_owned).collect()
        }));
    }
    records
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
        let is_row = |fields: &&Fields| {
            fields.iter().any(|field| !crate::text::trim_bytes(field).is_empty())
        };
        let rows: Vec<_> = records.iter().filter(is_row).cloned().collect();
        prop_assert_eq!(ours(&csv), rows);
    }
}
