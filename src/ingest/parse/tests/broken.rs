//! Quotes that are not closed, endless lines, bytes at random: nothing may take the reader down, or
//! more memory and time than the file's size is worth.

use std::io::{self, Read, Seek, SeekFrom};
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

const UNCLOSED: &str = "an opening quote is never closed";

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
    let header = HEADER.replace("datasource", "datasource,note");
    for (len, is_good) in [(MAX_RECORD_BYTES, true), (MAX_RECORD_BYTES + 1, false)] {
        let fill = len - ROW.len() - 3;
        let quoted = format!("{ROW},\"{}\"", "x\n".repeat(fill / 2) + &"y"[..fill % 2]);
        assert_eq!(quoted.len(), len);
        let plain = format!("{ROW},{}", "x".repeat(fill + 2));
        for long in [quoted, plain] {
            let mut reader = open(format!("{header}{long}\n{ROW},\n")).unwrap();
            let outcomes = outcomes(&mut reader);
            assert_eq!(outcomes[0].is_ok(), is_good);
            assert!(outcomes.last().unwrap().is_ok());
        }
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_bytes_are_rows_read_or_rejected(bytes in prop::collection::vec(any::<u8>(), 0..5_000)) {
        let _ = open(&bytes);
        let outcomes = rows(&bytes);
        prop_assert_eq!(good(&outcomes).len() + bad(&outcomes).len(), outcomes.len());
        prop_assert!(outcomes.len() <= bytes.split(|byte| b"\r\n".contains(byte)).count());
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
