//! Quotes that are not closed, endless lines, bytes at random: nothing may take the reader down, or
//! more memory and time than the file's size is worth.

use std::io::{self, Read, Seek, SeekFrom};
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

const UNCLOSED: &str =
    "an opening quote is never closed (looked for until the file's end or 64 KiB on)";

fn reasons(outcomes: &[Outcome]) -> Vec<&str> {
    let rejected = outcomes.iter().filter_map(|outcome| outcome.as_ref().err());
    rejected
        .map(|rejection| rejection.reason.as_str())
        .collect()
}

#[test]
fn an_unclosed_quote_costs_one_line() {
    for rows_after in [3, 5_000] {
        let file = format!("{ROW}\n\"{ROW}\n{}", format!("{ROW}\n").repeat(rows_after));
        let outcomes = rows(&file);
        assert_eq!(outcomes.len(), 2 + rows_after);
        assert_eq!(bad(&outcomes), [3]);
        assert_eq!(reasons(&outcomes), [UNCLOSED]);
        assert_eq!(outcomes[1].as_ref().unwrap_err().raw, format!("\"{ROW}"));
    }
}

#[test]
fn an_unclosed_quote_at_the_end() {
    let outcomes = rows(format!("{ROW}\n\"{ROW}"));
    assert_eq!((good(&outcomes), bad(&outcomes)), (vec![2], vec![3]));
    assert_eq!(reasons(&outcomes), [UNCLOSED]);
}

#[test]
fn swapped_quotes() {
    let swapped = ROW.replace("Prague,POINT", "Prague\",\"POINT");
    let outcomes = rows(format!("{ROW}\n{swapped}\n{ROW}\n{ROW}\n"));
    assert_eq!((good(&outcomes), bad(&outcomes)), (vec![2, 4, 5], vec![3]));
}

#[test]
fn a_quoted_record_may_be_as_long_as_allowed() {
    for (len, is_good) in [(MAX_RECORD_BYTES, true), (MAX_RECORD_BYTES + 1, false)] {
        let fill = len - ROW.len() - 3;
        let quoted = format!("{ROW},\"{}\"", "x\n".repeat(fill / 2) + &"y"[..fill % 2]);
        assert_eq!(quoted.len(), len);
        let outcomes = rows(format!("{quoted}\n{ROW}\n"));
        assert_eq!(outcomes[0].is_ok(), is_good);
        let plain = format!("{ROW},{}", "x".repeat(fill + 2));
        let outcomes = rows(format!("{plain}\n{ROW}\n"));
        assert_eq!(outcomes[0].is_ok(), is_good);
        assert_eq!(good(&outcomes).last(), Some(&3));
    }
}

/// A file of a header, one line of `x` of that length, and a good row, that is nowhere in memory.
struct LongLine {
    at: usize,
    len: usize,
}

impl Read for LongLine {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let tail = format!("\n{ROW}\n");
        let long = HEADER.len() + self.len;
        let source = if self.at < HEADER.len() {
            &HEADER.as_bytes()[self.at..]
        } else if self.at < long {
            let len = buffer.len().min(long - self.at);
            buffer[..len].fill(b'x');
            self.at += len;
            return Ok(len);
        } else {
            tail.as_bytes().get(self.at - long..).unwrap_or_default()
        };
        let len = buffer.len().min(source.len());
        buffer[..len].copy_from_slice(&source[..len]);
        self.at += len;
        Ok(len)
    }
}

impl Seek for LongLine {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let SeekFrom::Start(at) = to else {
            panic!("not needed here")
        };
        self.at = usize::try_from(at).unwrap();
        Ok(at)
    }
}

#[test]
fn a_line_of_50_megabytes_takes_no_memory() {
    let mut reader = RecordReader::open(LongLine {
        at: 0,
        len: 50_000_000,
    })
    .unwrap();
    let header = reader.header().clone();
    let mut chunk = RecordChunk::new();
    assert!(reader.fill(&mut chunk, 1_000).unwrap());
    assert_eq!(chunk.len(), 2);
    let rejection = header.parse(chunk.get(0).unwrap()).unwrap_err();
    assert_eq!((rejection.line, rejection.column), (2, None));
    assert_eq!(rejection.reason, "the row is longer than 64 KiB");
    assert_eq!(rejection.raw, "x".repeat(1_000));
    assert_eq!(header.parse(chunk.get(1).unwrap()).unwrap().line, 3);
    assert!(chunk.capacity() <= 16 * 1024, "{}", chunk.capacity());
}

#[test]
fn chunks_of_long_rows_are_bounded() {
    let row = format!("{ROW},{}\n", "x".repeat(60_000));
    let mut reader = open(format!("{HEADER}{}", row.repeat(500))).unwrap();
    let mut chunk = RecordChunk::new();
    let mut records = 0;
    while reader.fill(&mut chunk, 100_000).unwrap() {
        records += chunk.len();
        assert!(chunk.capacity() < 9_000_000, "{}", chunk.capacity());
    }
    assert_eq!(records, 500);
}

#[test]
fn many_unclosed_quotes_take_linear_time() {
    // Each of these lines opens a quote that the following ones close and open again. Looking 64 KiB
    // ahead from each would take 26 GB of reading 2 MB.
    let started = Instant::now();
    let file = "x\",\"\n".repeat(400_000);
    let outcomes = rows(file);
    assert_eq!(outcomes.len(), 400_000);
    assert!(outcomes.iter().all(Result::is_err));
    assert!(
        started.elapsed() < Duration::from_secs(20),
        "{:?}",
        started.elapsed()
    );
}

/// The reader's rules, one byte after the other, with a look-ahead from each record's beginning:
/// lines and raw rows.
fn naive(bytes: &[u8]) -> Vec<(u64, Vec<u8>)> {
    let (mut at, mut line, mut records) = (0, 1, Vec::new());
    while at < bytes.len() {
        let rest = &bytes[at..];
        let line_end = rest.iter().position(|byte| *byte == b'\n');
        let window = &rest[..rest.len().min(MAX_RECORD_BYTES + 1)];
        let (mut quoted, mut field_start, mut end) = (false, true, None);
        let mut index = 0;
        while index < window.len() {
            match (quoted, window[index]) {
                (true, b'"') if window.get(index + 1) == Some(&b'"') => index += 1,
                (true, b'"') => quoted = false,
                (false, b'"') if field_start => quoted = true,
                (false, b'\n') => {
                    end = Some(index);
                    break;
                }
                _ => {}
            }
            field_start = !quoted && window[index] == b',';
            index += 1;
        }
        if end.is_none() && rest.len() <= MAX_RECORD_BYTES && !quoted {
            end = Some(rest.len());
        }
        let len = end.or(line_end).unwrap_or(rest.len());
        let record = rest[..len].strip_suffix(b"\r").unwrap_or(&rest[..len]);
        if !record.iter().all(|byte| b" \t\r".contains(byte)) {
            records.push((line, record.to_vec()));
        }
        let taken = rest.len().min(len + 1);
        line += rest[..taken].split(|byte| *byte == b'\n').count() as u64 - 1;
        at += taken;
    }
    records
}

fn read_all(bytes: &[u8]) -> Vec<(u64, Vec<u8>)> {
    let file = [HEADER.as_bytes(), bytes].concat();
    let mut reader = open(file).unwrap();
    let mut chunk = RecordChunk::new();
    let mut records = Vec::new();
    while reader.fill(&mut chunk, 7).unwrap() {
        records.extend(
            chunk
                .iter()
                .map(|record| (record.line() - 1, record.bytes.to_vec())),
        );
    }
    records
}

fn lines_with_quotes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        6 => "[a\",\r\n ]{1,12}".prop_map(String::into_bytes),
        3 => Just(b"x\",\"\n".to_vec()),
        2 => Just(format!("{ROW}\n").into_bytes()),
        1 => (1usize..3_000).prop_map(|len| [vec![b'x'; len], vec![b'\n']].concat()),
    ];
    // Repeated, so that look-aheads meet their limit.
    (prop::collection::vec(piece, 1..40), 1usize..150)
        .prop_map(|(pieces, times)| pieces.concat().repeat(times))
        .prop_map(|bytes| bytes[..bytes.len().min(300_000)].to_vec())
}

/// Long lines that each open a quote which the next one closes and opens again, and seldom something
/// that ends it: look-ahead upon look-ahead meets its limit, then one finds an end.
fn chains_of_open_quotes() -> impl Strategy<Value = Vec<u8>> {
    let link = (
        500usize..3_000,
        prop::sample::select(vec!["\",\"", "\"\"\",\"", "\",\"\"\""]),
    )
        .prop_map(|(len, quotes)| [&vec![b'x'; len], quotes.as_bytes(), b"\n"].concat());
    let chain = prop::collection::vec(link, 20..70).prop_map(|links| links.concat());
    let end = "[a\",\n]{0,6}".prop_map(String::into_bytes);
    prop::collection::vec((chain, end), 1..3)
        .prop_map(|parts| {
            parts
                .into_iter()
                .flat_map(|(chain, end)| [chain, end])
                .collect::<Vec<_>>()
        })
        .prop_map(|parts| parts.concat())
}

/// Compares the reader with its naive twin.
fn assert_as_naive(bytes: &[u8]) -> Result<(), TestCaseError> {
    let (ours, naive) = (read_all(bytes), naive(bytes));
    prop_assert_eq!(ours.len(), naive.len());
    for (ours, naive) in ours.iter().zip(&naive) {
        prop_assert_eq!(ours.0, naive.0);
        let kept = naive.1.len().min(ours.1.len().max(4_000));
        prop_assert!(ours.1 == naive.1[..kept]);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 500, ..ProptestConfig::default() })]

    #[test]
    fn look_aheads_that_are_remembered_change_nothing(bytes in chains_of_open_quotes()) {
        assert_as_naive(&bytes)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn records_end_where_the_naive_reader_ends_them(bytes in lines_with_quotes()) {
        assert_as_naive(&bytes)?;
    }

    #[test]
    fn any_bytes_are_rows_read_or_rejected(bytes in prop::collection::vec(any::<u8>(), 0..5_000)) {
        let _ = open(&bytes);
        let outcomes = rows(&bytes);
        prop_assert_eq!(good(&outcomes).len() + bad(&outcomes).len(), outcomes.len());
        prop_assert!(outcomes.len() <= bytes.split(|byte| *byte == b'\n').count());
    }

    #[test]
    fn damaged_files_are_rows_read_or_rejected(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..20),
    ) {
        let mut bytes = format!("{ROW}\n").repeat(50).into_bytes();
        for (index, byte) in &damage {
            let at = index.index(bytes.len());
            bytes[at] = *byte;
        }
        let outcomes = rows(&bytes);
        // A byte spoils two rows at most (a line end lost), unless quotes join rows.
        if !bytes.contains(&b'"') {
            prop_assert!(good(&outcomes).len() + 2 * damage.len() >= 50);
        }
    }
}
