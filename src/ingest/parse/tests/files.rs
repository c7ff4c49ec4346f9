//! Headers, line ends, blank lines, positions.

use super::*;

fn code(file: impl AsRef<[u8]>) -> &'static str {
    open(file).unwrap_err().code()
}

#[test]
fn a_file_without_a_header() {
    assert_eq!(code(""), "EMPTY_FILE");
    assert_eq!(code("\u{feff}"), "EMPTY_FILE");
    assert_eq!(code("\n \r\n\n"), "EMPTY_FILE");
    assert_eq!(code("region,origin_coord\n"), "MISSING_COLUMNS");
    assert_eq!(code(ROW), "MISSING_COLUMNS");
    assert_eq!(code("region,".repeat(20_000)), "HEADER_TOO_LONG");
    assert_eq!(
        code(HEADER.replace("region", "\"region")),
        "HEADER_UNCLOSED_QUOTE"
    );
    assert_eq!(
        code(HEADER.replace("datasource", "region")),
        "DUPLICATE_COLUMN"
    );
}

#[test]
fn a_file_that_is_no_text() {
    assert_eq!(
        code(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"),
        "NOT_TEXT"
    );
    assert_eq!(code(b"\x89PNG\r\n\x1a\n"), "NOT_TEXT");
    assert_eq!(code(b"PK\x03\x04\n"), "NOT_TEXT");
    assert_eq!(code(b"\xff\xfer\0e\0g\0"), "NOT_TEXT");
    assert_eq!(code(vec![0; 200_000]), "NOT_TEXT");
    assert_eq!(code(vec![0xfe; 200_000]), "NOT_TEXT");
    assert_eq!(
        code("ž".repeat(100_000)),
        "HEADER_TOO_LONG",
        "a character may be cut"
    );
}

#[test]
fn a_header_alone() {
    assert!(rows("").is_empty());
    assert!(rows("\n\n").is_empty());
    assert!(outcomes(&mut open(HEADER.trim_end()).unwrap()).is_empty());
}

#[test]
fn line_ends_and_blank_lines() {
    assert_eq!(good(&rows(ROW)), [2]);
    assert_eq!(good(&rows(format!("{ROW}\n{ROW}\n"))), [2, 3]);
    assert_eq!(good(&rows(format!("{ROW}\r\n{ROW}\r\n"))), [2, 3]);
    assert_eq!(good(&rows(format!("\n\r\n{ROW}\n \t\n\n{ROW}\r"))), [4, 7]);
    let file = format!("\u{feff}\n{HEADER}{ROW}\n").replace('\n', "\r\n");
    assert_eq!(good(&outcomes(&mut open(file).unwrap())), [3]);
}

#[test]
fn columns_in_any_order_and_case() {
    let file = "\u{feff}id, DateTime ,Origin_Coord,note, \"REGION\",destination_coord,DataSource,x\n\
         1,2018-05-28 09:03:40,POINT (14.4 50.0),\"a, \"\"b\"\"\",Prague,POINT (1 2),funny_car,\n\
         1,2018-05-28 09:03:40,POINT (14.4 50.0),,Prague,POINT (1 2),funny_car,y,,,\n\
         1,2018-05-28 09:03:40,POINT (14.4 50.0),,Prague\n\
         1,2018-05-28 09:03:40,POINT (14.4 50.0),,Prague,POINT (1 2),funny_car\n";
    let outcomes = outcomes(&mut open(file).unwrap());
    assert_eq!(good(&outcomes), [2, 3]);
    let short = outcomes[2].as_ref().unwrap_err();
    assert_eq!(short.column, None);
    assert_eq!(short.reason, "the row has 5 fields, the header has 8");
    assert!(
        outcomes[3].is_err(),
        "a column that no trip needs is missing"
    );
}

#[test]
fn lines_are_those_of_the_file() {
    let quoted = ROW.replace("Prague", "\"Pra\ngue\r\n\"");
    let outcomes = rows(format!("{quoted}\n\n{ROW}\n{quoted}\n{ROW}\n"));
    assert_eq!(good(&outcomes), [2, 6, 7, 10]);
    assert_eq!(outcomes[0].as_ref().unwrap().1, "Pra\ngue");
}

#[test]
fn reading_goes_on_from_any_position() {
    let quoted = ROW.replace("Prague", "\"Pra\ngue\"");
    let file = format!("\u{feff}{HEADER}{ROW}\n{quoted}\r\n\n{ROW}\n{ROW}\n\n{quoted}\n{ROW}");
    let all = outcomes(&mut open(&file).unwrap());
    let mut reader = open(&file).unwrap();
    let mut chunk = RecordChunk::new();
    for read in 0..=all.len() {
        let mut other = open(&file).unwrap();
        other.seek(reader.position()).unwrap();
        assert_eq!(outcomes(&mut other), all[read..]);
        assert_eq!(reader.fill(&mut chunk, 1).unwrap(), read < all.len());
    }
    assert_eq!(reader.bytes_read(), file.len() as u64);
}

#[test]
fn records_know_their_place() {
    let mut reader = open(format!("{HEADER}{ROW}\n\n{ROW}\n")).unwrap();
    let mut chunk = RecordChunk::new();
    reader.fill(&mut chunk, 10).unwrap();
    let second = chunk.get(1).unwrap();
    let offset = (HEADER.len() + ROW.len() + 2) as u64;
    assert_eq!(second.position(), Position { offset, line: 4 });
    assert_eq!(second.raw(), ROW);
    assert_eq!(chunk.iter().count(), chunk.len());
    assert!(chunk.get(2).is_none());
}
