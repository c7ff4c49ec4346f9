//! Properties of the parser that hold for any bytes.
#![expect(
    clippy::unwrap_used,
    reason = "for tests only: what cannot be read again is a finding"
)]

use std::io::{Cursor, Read, Seek, SeekFrom};
use std::sync::Arc;

use chrono::{NaiveDate, NaiveTime, Timelike};
use encoding_rs::Encoding;

use super::chunk::RecordChunk;
use super::clock::{EpochUnit, TimeFormat, epoch_micros};
use super::json::JsonTrips;
use super::number::{decimal, number};
use super::oracle::{HEADER, Trickle, assert_as_oracle};
use super::place::{coordinate, line_ends, point};
use super::time::parse_time;
use super::{Converted, FileOptions, OpenError, ParsedTrip, RecordReader, Rejection, wkt};
use crate::geo::Point;
use crate::model::LocalTime;
use crate::text::{canonical_name, trim_bytes};

/// Records are those that the reference implementation finds, whatever the limits and the portions
/// in which a file arrives, and reading can continue at each of them.
pub(crate) fn records(data: &[u8]) {
    let Some((&[flags, record, buffer, portion, step], text)) = data.split_first_chunk() else {
        return;
    };
    let limits = (
        60 + usize::from(record),
        usize::from(buffer % 40),
        1 + usize::from(portion % 64),
        1 + usize::from(step % 8),
    );
    assert_as_oracle(&String::from_utf8_lossy(text), flags % 2 == 1, limits);
}

/// Headers of the kinds of files that are read in different ways.
const HEADERS: [&str; 7] = [
    HEADER,
    "region,origin_coord,destination_coord,datetime,datasource,arrived_at\n",
    "started_at,ended_at,start_lng,start_lat,end_lng,end_lat\n",
    "starttime;stoptime;start station longitude;start station latitude;\
     end station longitude;end station latitude\n",
    "TRIP_ID,TIMESTAMP,POLYLINE\n",
    "start_time|end_time|start_point|end_point|region\n",
    "start_date,start_time,end_date,end_time,start_lng,start_lat,end_lng,end_lat\n",
];

/// A row is a trip that is read again as it is written, or a rejection that says why. The fast path
/// for the plain format reads what the general path reads.
pub(crate) fn rows(data: &[u8]) {
    let Some((&kind, rows)) = data.split_first() else {
        return;
    };
    let header = HEADERS[usize::from(kind) % HEADERS.len()];
    let file = [header.as_bytes(), rows].concat();
    let Ok(mut reader) = RecordReader::open(Cursor::new(&file)) else {
        return;
    };
    let header = reader.header().clone();
    let mut chunk = RecordChunk::new();
    while reader.fill(&mut chunk, 100).unwrap() {
        for record in chunk.iter() {
            let outcome = header.parse(record);
            match &outcome {
                Ok(trip) => check_trip(trip),
                Err(rejection) => check_rejection(rejection),
            }
            if header.is_plain {
                let mut general = header.clone();
                general.is_plain = false;
                assert_eq!(general.parse(record).ok(), outcome.ok());
            }
        }
    }
}

fn check_trip(trip: &ParsedTrip<'_>) {
    for name in [&trip.region, &trip.datasource] {
        assert!((1..=255).contains(&name.chars().count()), "{name:?}");
        assert_eq!(canonical_name(name), *name);
    }
    let text = |point: Point| format!("POINT ({} {})", point.lon(), point.lat());
    let time = |time: LocalTime| time.to_naive().format("%Y-%m-%d %H:%M:%S%.6f").to_string();
    let mut writer = csv::Writer::from_writer(HEADERS[1].as_bytes().to_vec());
    writer
        .write_record([
            &*trip.region,
            &text(trip.origin),
            &text(trip.destination),
            &time(trip.departed_at),
            &trip.datasource,
            &trip.arrived_at.map(time).unwrap_or_default(),
        ])
        .unwrap();
    let file = writer.into_inner().unwrap();
    let mut reader = RecordReader::open(Cursor::new(file)).unwrap();
    let mut chunk = RecordChunk::new();
    assert!(reader.fill(&mut chunk, 2).unwrap());
    assert_eq!(chunk.len(), 1);
    let expected = ParsedTrip {
        line: 2,
        is_unzoned: false,
        ..trip.clone()
    };
    let read = reader.header().parse(chunk.get(0).unwrap());
    assert_eq!(read.as_ref(), Ok(&expected));
    let bits = |point: Point| [point.lon().to_bits(), point.lat().to_bits()];
    let read = read.unwrap();
    for (read, written) in [
        (read.origin, trip.origin),
        (read.destination, trip.destination),
    ] {
        assert_eq!(bits(read), bits(written));
    }
}

fn check_rejection(rejection: &Rejection) {
    assert!(rejection.line > 1);
    assert!(!rejection.kind.is_empty() && !rejection.reason.is_empty());
    assert!(!rejection.raw.contains('\0') && rejection.raw.chars().count() <= 1_000);
    // Messages quote little of the file: names of columns are those of the header.
    assert!(rejection.reason.chars().count() <= 300, "{rejection:?}");
}

/// Times are read as the reference implementation reads them; instants in numbers, too. Any text is a
/// format in strftime's notation, or is none.
pub(crate) fn times(data: &[u8]) {
    let read = parse_time(data).ok();
    let read = read.map(|read| (read.wall.micros(), read.offset));
    assert_eq!(read, reference_time(data));

    let mut parts = data.splitn(2, |byte| *byte == b'\n');
    let (format, field) = (parts.next().unwrap(), parts.next().unwrap_or(data));
    let declared = std::str::from_utf8(format)
        .ok()
        .and_then(TimeFormat::declared);
    if let Some(declared) = declared {
        if !matches!(declared, TimeFormat::Text(_)) {
            assert_eq!(declared.notation(false).as_bytes(), format);
        }
        for twelve_hours in [false, true] {
            let notation = declared.notation(twelve_hours);
            assert_eq!(TimeFormat::declared(&notation).as_ref(), Some(&declared));
        }
        let _ = declared.read(field);
    }
    let _ = TimeFormat::Text(None).read(field);
    let digits = str::from_utf8(field).ok().filter(|text| text.len() < 19);
    if let Some(seconds) = digits.and_then(|text| text.parse::<i64>().ok())
        && field[0] != b'+'
    {
        let micros = seconds.checked_mul(1_000_000);
        assert_eq!(epoch_micros(field, EpochUnit::Seconds), micros);
        assert_eq!(epoch_micros(field, EpochUnit::Micros), Some(seconds));
    }
}

/// The microseconds since 1970 and the offset of a time: read by chrono, part by part, each of which must
/// be written as chrono writes it.
fn reference_time(field: &[u8]) -> Option<(i64, Option<i32>)> {
    let text = std::str::from_utf8(trim_bytes(field)).ok()?;
    let (date, rest) = text.split_at_checked(10)?;
    let day = NaiveDate::parse_from_str(date, "%Y-%m-%d").ok()?;
    if day.format("%Y-%m-%d").to_string() != date {
        return None;
    }
    let rest = rest.strip_prefix([' ', 'T', 't'])?;
    let clock = |text: &str, format: &str| {
        let time = NaiveTime::parse_from_str(text, format).ok()?;
        // A leap second is one of more than a billion nanoseconds.
        let is_same = time.format(format).to_string() == text && time.nanosecond() == 0;
        is_same.then(|| time.num_seconds_from_midnight())
    };
    let (seconds, mut micros, rest) = if rest.as_bytes().get(5) == Some(&b':') {
        let (time, rest) = rest.split_at_checked(8)?;
        let (digits, rest) = match rest.strip_prefix(['.', ',']) {
            None => ("", rest),
            Some(fraction) => {
                let end = fraction.find(|c: char| !c.is_ascii_digit());
                let (digits, rest) = fraction.split_at(end.unwrap_or(fraction.len()));
                if digits.is_empty() {
                    return None;
                }
                (digits, rest)
            }
        };
        let micros = format!("{digits}000000")[..6].parse::<i64>().ok()?;
        (clock(time, "%H:%M:%S")?, micros, rest)
    } else {
        let (time, rest) = rest.split_at_checked(5)?;
        (clock(time, "%H:%M")?, 0, rest)
    };
    let days = day.signed_duration_since(NaiveDate::default()).num_days();
    micros += (days * 86_400 + i64::from(seconds)) * 1_000_000;
    LocalTime::from_micros(micros)?;
    let offset = rest.strip_prefix(' ').unwrap_or(rest);
    if offset.is_empty() {
        return Some((micros, None));
    }
    let lower = offset.to_ascii_lowercase();
    let names = ["utc", "gmt"];
    let zeros = ["+00", "+0000", "+00:00"];
    let is_utc = lower == "z"
        || names.iter().any(|name| {
            lower == *name || zeros.iter().any(|zero| lower == format!("{zero} {name}"))
        });
    if is_utc {
        return Some((micros, Some(0)));
    }
    let sign = match &offset[..offset.is_char_boundary(1).then_some(1)?] {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let digits = match (offset.len(), offset.as_bytes()[1..].get(2)) {
        (3, _) => format!("{}00", &offset[1..]),
        (5, _) => offset[1..].to_owned(),
        (6, Some(b':')) => offset[1..].replacen(':', "", 1),
        _ => return None,
    };
    if digits.len() != 4 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let number = digits.parse::<i32>().ok()?;
    let (hours, minutes) = (number / 100, number % 100);
    (hours < 24 && minutes < 60).then_some((micros, Some(sign * (hours * 3600 + minutes * 60))))
}

/// A location is read again as it is written; fast paths read what the slow ones read.
pub(crate) fn places(data: &[u8]) {
    let bits = |lon: f64, lat: f64| [lon.to_bits(), lat.to_bits()];
    if let Ok(place) = point(data) {
        let text = format!("POINT ({} {})", place.lon(), place.lat());
        let again = point(text.as_bytes()).unwrap();
        assert_eq!(
            bits(again.lon(), again.lat()),
            bits(place.lon(), place.lat())
        );
        let json = format!(
            r#"{{"type":"Point","coordinates":[{:?},{:?}]}}"#,
            place.lon(),
            place.lat()
        );
        assert_eq!(point(json.as_bytes()), Ok(place));
    }
    if let Some((lon, lat)) = wkt::exact(data) {
        let slow = wkt::tolerant(data).unwrap();
        assert_eq!(bits(lon, lat), bits(slow.0, slow.1));
    }
    if let Some((value, len)) = decimal(data) {
        let text = std::str::from_utf8(&data[..len]).unwrap();
        assert_eq!(value.to_bits(), text.parse::<f64>().unwrap().to_bits());
        assert_eq!(
            number(&data[..len]).map(f64::to_bits),
            Some(value.to_bits())
        );
    }
    for decimal_comma in [false, true] {
        if let Ok(value) = coordinate(data, decimal_comma) {
            let text = std::str::from_utf8(trim_bytes(data)).unwrap();
            let expected = text.replacen(',', ".", usize::from(decimal_comma));
            assert_eq!(Ok(value), expected.parse());
        }
    }
    let ends = line_ends(data);
    if let Ok(line) = serde_json::from_slice::<Vec<[f64; 2]>>(data)
        && let (Some(first), Some(last)) = (line.first(), line.last())
    {
        let [first, last] = [first, last].map(|end| Point::new(end[0], end[1]));
        match (first, last) {
            (Ok(first), Ok(last)) => assert_eq!(ends, Ok((first, last))),
            _ => assert!(ends.is_err()),
        }
    }
}

/// Encodings that may be declared.
const ENCODINGS: [&str; 7] = [
    "",
    "utf-16le",
    "utf-16be",
    "windows-1252",
    "shift_jis",
    "gb18030",
    "iso-2022-jp",
];

/// A file is converted to the same text in whatever portions it arrives, from any position on; text in
/// another encoding to what `encoding_rs` makes of it as a whole.
pub(crate) fn conversions(data: &[u8]) {
    let Some((&[label, portion, at], bytes)) = data.split_first_chunk() else {
        return;
    };
    let label = ENCODINGS[usize::from(label) % ENCODINGS.len()];
    let options = FileOptions::default();
    let options = match Encoding::for_label(label.as_bytes()) {
        Some(given) => options.with_encoding(given),
        None => options,
    };
    let open = |portion: usize| {
        Converted::open(Trickle(Cursor::new(bytes.to_vec()), portion), &options).unwrap()
    };
    let read = |converted: &mut Converted<_>| {
        let mut text = Vec::new();
        let error = converted.read_to_end(&mut text).err();
        (text, error.map(|error| error.to_string()))
    };
    let (text, error) = read(&mut open(usize::MAX));
    let (in_portions, same) = read(&mut open(1 + usize::from(portion)));
    assert_eq!(same, error);
    if error.is_some() {
        return;
    }
    assert_eq!(in_portions, text);
    let encoding = open(usize::MAX).encoding();
    if encoding != encoding_rs::UTF_8 {
        let (expected, _) = encoding.decode_with_bom_removal(bytes);
        assert_eq!(text, expected.as_bytes());
    } else if !JsonTrips::begins(&bytes[..bytes.len().min(64)]) {
        assert_eq!(text, bytes);
    }
    let at = usize::from(at) % (text.len() + 1);
    let mut converted = open(1 + usize::from(portion));
    for position in [text.len(), at] {
        converted.seek(SeekFrom::Start(position as u64)).unwrap();
    }
    assert_eq!(read(&mut converted).0, text[at..]);
}

/// The format of a file is the same in whatever portions it arrives.
pub(crate) fn formats(data: &[u8]) {
    let Some((&portion, file)) = data.split_first() else {
        return;
    };
    let open = |portion: usize| {
        let source = Trickle(Cursor::new(file.to_vec()), portion);
        RecordReader::open_as(source, &Arc::default())
    };
    let read = |mut reader: RecordReader<Trickle>| {
        let header = reader.header().clone();
        let (mut chunk, mut outcomes) = (RecordChunk::new(), Vec::new());
        while reader.fill(&mut chunk, 7).unwrap() {
            outcomes.extend(
                chunk
                    .iter()
                    .map(|record| format!("{:?}", header.parse(record))),
            );
        }
        assert_eq!(reader.bytes_read(), file.len() as u64);
        (header.format(), header.mapped_columns(), outcomes)
    };
    match (open(usize::MAX), open(1 + usize::from(portion))) {
        (Ok(whole), Ok(in_portions)) => assert_eq!(read(whole), read(in_portions)),
        (Err(whole), Err(in_portions)) => {
            assert_eq!(whole.to_string(), in_portions.to_string());
            let is_unread = matches!(whole, OpenError::Io(_));
            assert!(!is_unread && !whole.code().is_empty(), "{whole}");
        }
        (whole, in_portions) => panic!("{:?} and {:?}", whole.err(), in_portions.err()),
    }
}
