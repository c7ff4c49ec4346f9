//! Parquet files: what is in them is read to the last bit, and what cannot be read is said.
#![cfg(feature = "parquet")]
#![allow(clippy::unwrap_used, reason = "tests")]

use crate::suite::program;

use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{Float64Builder, ListBuilder};
use arrow_array::types::{ArrowPrimitiveType, Float16Type};
use arrow_array::{
    Array, ArrayRef, BinaryArray, Date32Array, Decimal128Array, Float16Array, Float32Array,
    Float64Array, Int64Array, NullArray, RecordBatch, StringArray, StructArray,
    TimestampMicrosecondArray, TimestampMillisecondArray,
};
use arrow_schema::{DataType, Field};
use parquet::arrow::ArrowWriter;
use parquet::basic::{BrotliLevel, Compression, GzipLevel, ZstdLevel};
use parquet::file::properties::WriterProperties;
use program::{Home, Ran};
use serde_json::{Value, json};

type Half = <Float16Type as ArrowPrimitiveType>::Native;

const HEADER: &str = "region,origin_coord,destination_coord,datetime,datasource,arrived_at\n";

fn write_as(path: &Path, columns: Vec<(&str, ArrayRef)>, compression: Compression) {
    let columns = columns.into_iter().map(|(name, column)| {
        let has_nulls = column.logical_null_count() > 0;
        (name, column, has_nulls)
    });
    let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    let properties = WriterProperties::builder()
        .set_compression(compression)
        .set_max_row_group_row_count(Some(2))
        .build();
    let file = std::fs::File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn write(path: &Path, columns: Vec<(&str, ArrayRef)>) {
    write_as(path, columns, Compression::SNAPPY);
}

fn array<A: Array + 'static>(array: A) -> ArrayRef {
    Arc::new(array)
}

fn texts(texts: &[&str]) -> ArrayRef {
    array(StringArray::from(texts.to_vec()))
}

fn floats(numbers: &[f64]) -> ArrayRef {
    array(Float64Array::from(numbers.to_vec()))
}

/// Both ends of some trips, in columns of a number each.
fn ends(rows: usize) -> Vec<(&'static str, ArrayRef)> {
    ["start_lng", "start_lat", "end_lng", "end_lat"]
        .into_iter()
        .zip([-73.987_654_321_012_34, 40.1, -73.9, 40.2])
        .map(|(name, degrees)| (name, floats(&vec![degrees; rows])))
        .collect()
}

/// What inspecting a file finds.
fn inspected(home: &Home, name: &str, options: &[&str]) -> Value {
    let ran = home.run(&[&["inspect", name, "--json"], options].concat());
    let mut all: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"));
    all[0].take()
}

fn ingested(home: &Home, name: &str) -> Ran {
    let ran = home.run(&["ingest", name]);
    assert!(ran.succeeded(), "{ran:?}");
    ran
}

/// All trips as CSV, sorted.
fn exported(home: &Home) -> Vec<String> {
    let ran = home.run(&["export", "trips", "-o", "all.csv"]);
    assert!(ran.succeeded(), "{ran:?}");
    let text = std::fs::read_to_string(home.path("all.csv")).unwrap();
    std::fs::remove_file(home.path("all.csv")).unwrap();
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn an_export_gives_every_bit_back() {
    let (home, other) = (Home::new(), Home::new());
    let odd = "\"Saint-\"\"Étienne\"\", Loire\",POINT (0.30000000000000004 -0.1),\
               POINT (179.99999999999997 5e-324),0001-01-01 00:00:00.000001,\"a;b\",\n\
               Turin,POINT (7.68 45.07),POINT (7.7 45.1),9999-12-31 23:59:59.999999,x,\n\
               Turin,POINT (7.68 45.07),POINT (7.7 45.1),2020-02-29 12:00:00.5,x,2020-02-29 12:30:00.25\n";
    home.write("odd.csv", &format!("{HEADER}{odd}"));
    home.generate("many.csv", 30_000, 7);
    ingested(&home, "odd.csv");
    ingested(&home, "many.csv");
    let parquet = other.path("trips.parquet");
    let ran = home.run(&["export", "trips", "-o", parquet.to_str().unwrap()]);
    assert!(ran.succeeded(), "{ran:?}");
    let ran = ingested(&other, "trips.parquet");
    assert!(ran.stdout.contains("30,003 trips"), "{ran:?}");
    assert!(!ran.stdout.contains("warning"), "{ran:?}");
    assert_eq!(exported(&other), exported(&home));
    let report = |home: &Home| home.run(&["report", "--json"]).stdout;
    assert_eq!(report(&other), report(&home));
    assert!(other.run(&["verify"]).succeeded());
}

/// What pandas writes of a column without values, half precision, and lines of positions.
#[test]
fn columns_without_values_short_numbers_and_lines_are_read() {
    let home = Home::new();
    let mut columns = ends(1);
    columns[3].1 = array(Float16Array::from_iter_values([Half::from_f32(40.25)]));
    columns.push(("started_at", texts(&["2021-03-01 08:00"])));
    columns.push(("ended_at", array(NullArray::new(1))));
    write(&home.path("nulls.parquet"), columns);
    let found = inspected(&home, "nulls.parquet", &[]);
    let trip = &found["trips"][0];
    assert_eq!(trip["destination"], json!([-73.9, 40.25]), "{found}");
    assert_eq!(trip["arrivedAt"], Value::Null);
    assert!(found["columns"].to_string().contains("ended_at"), "{found}");

    let mut lines = ListBuilder::new(ListBuilder::new(Float64Builder::new()));
    for line in [vec![[-8.62, 41.14]; 20_000], vec![], vec![[-8.6, 41.2]]] {
        for position in line
            .iter()
            .chain(&[[-8.5, 41.3]])
            .take(line.len() + usize::from(line.len() > 1))
        {
            lines.values().values().append_slice(position);
            lines.values().append(true);
        }
        lines.append(true);
    }
    let porto: Vec<(_, ArrayRef)> = vec![
        ("TIMESTAMP", array(Int64Array::from(vec![1_372_636_858; 3]))),
        ("POLYLINE", array(lines.finish())),
    ];
    write(&home.path("porto.parquet"), porto);
    let found = inspected(&home, "porto.parquet", &["--time-zone", "Europe/Lisbon"]);
    assert_eq!(found["rowsIngested"], 2, "{found}");
    assert_eq!(found["trips"][0]["origin"], json!([-8.62, 41.14]));
    assert_eq!(found["trips"][0]["destination"], json!([-8.5, 41.3]));
    assert_eq!(found["trips"][1]["destination"], json!([-8.6, 41.2]));
    assert_eq!(found["rejectedRows"][0]["reason"], "the line has no points");
}

#[test]
fn columns_are_recognised_by_their_names_and_read_by_their_types() {
    let home = Home::new();
    let at = 1_614_585_600_250_000; // 2021-03-01 08:00:00.25
    let micros = array(TimestampMicrosecondArray::from(vec![at]));
    let millis = TimestampMillisecondArray::from(vec![at / 1_000]).with_timezone("UTC");
    let seconds = array(Int64Array::from(vec![at / 1_000_000]));
    let day = array(Date32Array::from(vec![18_687]));
    let new_york = &["--time-zone", "America/New_York"][..];
    let times = [
        (micros, &[][..], "2021-03-01T08:00:00.250"),
        (array(millis.clone()), &[], "2021-03-01T08:00:00.250"),
        (array(millis), new_york, "2021-03-01T03:00:00.250"),
        (seconds, new_york, "2021-03-01T03:00:00"),
        (day, &[], "2021-03-01T00:00:00"),
        (texts(&["2021-03-01 08:00"]), &[], "2021-03-01T08:00:00"),
    ];
    for (time, options, expected) in times {
        let mut columns = ends(1);
        columns.push(("started_at", time));
        write(&home.path("t.parquet"), columns);
        let found = inspected(&home, "t.parquet", options);
        assert_eq!(found["trips"][0]["departedAt"], expected, "{found}");
        assert_eq!(
            found["trips"][0]["origin"],
            json!([-73.987_654_321_012_34, 40.1])
        );
    }

    let wkb = |lon: f64, lat: f64| {
        let mut bytes = vec![1, 1, 0, 0, 0];
        bytes.extend(lon.to_le_bytes());
        bytes.extend(lat.to_le_bytes());
        bytes
    };
    let (start, end) = (wkb(0.1 + 0.2, 45.0), wkb(4.83, 45.76));
    let started = || ("started_at", texts(&["2021-03-01 08:00:00"]));
    let geometry = |bytes: &Vec<u8>| array(BinaryArray::from(vec![bytes.as_slice()]));
    let decimal = |value| {
        let decimal = Decimal128Array::from(vec![value]);
        array(decimal.with_precision_and_scale(10, 6).unwrap())
    };
    let single = |value| array(Float32Array::from(vec![value]));
    for (columns, origin) in [
        (
            vec![
                ("start_geom", geometry(&start)),
                ("end_geom", geometry(&end)),
            ],
            [0.1 + 0.2, 45.0],
        ),
        (
            vec![
                ("start_lng", decimal(4_830_000)),
                ("start_lat", decimal(45_760_000)),
                ("end_geom", geometry(&end)),
            ],
            [4.83, 45.76],
        ),
        (
            vec![
                ("start_lng", single(4.5)),
                ("start_lat", single(-0.25)),
                ("end_geom", geometry(&end)),
                // What is not needed may be of any type.
                ("geometry", geometry(&vec![0; 100_000])),
                (
                    "bbox",
                    array(StructArray::from(vec![(
                        Arc::new(Field::new("xmin", DataType::Float64, false)),
                        floats(&[1.0]),
                    )])),
                ),
            ],
            [4.5, -0.25],
        ),
    ] {
        let mut columns = columns;
        columns.push(started());
        write(&home.path("t.parquet"), columns);
        // Neither is asked: a delimiter and an encoding of text.
        let options = [
            "--delimiter",
            ";",
            "--encoding",
            "utf-16le",
            "--region",
            "Lyon",
        ];
        let found = inspected(&home, "t.parquet", &options);
        assert_eq!(found["trips"][0]["origin"], json!(origin), "{found}");
        assert_eq!(found["trips"][0]["region"], "Lyon", "{found}");
        assert_eq!(found["trips"][0]["datasource"], "t", "{found}");
    }
}

#[tokio::test]
async fn rejected_rows_have_the_number_of_their_line() {
    let home = Home::new();
    let server = home.serve();
    for (compression, name) in [
        (Compression::UNCOMPRESSED, "plain.parquet"),
        (Compression::ZSTD(ZstdLevel::default()), "zstd.parquet"),
        (Compression::GZIP(GzipLevel::default()), "gzip.parquet"),
        (Compression::LZ4_RAW, "lz4.parquet"),
        (Compression::BROTLI(BrotliLevel::default()), "whatever"),
    ] {
        let mut columns = ends(5);
        columns[1].1 = floats(&[40.1, 91.0, 40.1, f64::NAN, 40.1]);
        let times = ["2021-03-01 08:00"; 5];
        columns.push(("started_at", texts(&times)));
        columns.push(("region", texts(&["a", "b", "c", "d", ""])));
        columns.push(("kind", texts(&[name; 5])));
        write_as(&home.path(name), columns, compression);
        let id = server.upload(&home.path(name)).await;
        let ended = server.ended(&id).await;
        assert_eq!(ended["rowsIngested"], 2, "{ended}");
        let query = "query ($id: ID!) { ingestion(id: $id) { percent bytesRead bytesTotal \
                     rejectedRows { nodes { line column raw } } } }";
        let found = server.ask(query, json!({ "id": id })).await["ingestion"].take();
        assert_eq!(found["bytesRead"], found["bytesTotal"]);
        let rows = found["rejectedRows"]["nodes"].as_array().unwrap();
        let rows: Vec<_> = rows
            .iter()
            .map(|row| (&row["line"], &row["column"]))
            .collect();
        assert_eq!(
            rows,
            [
                (&json!(3), &json!("start_lat")),
                (&json!(5), &json!("start_lat")),
                (&json!(6), &json!("region")),
            ]
        );
        let raw = &found["rejectedRows"]["nodes"][0]["raw"];
        let expected = format!("-73.98765432101234,91,-73.9,40.2,2021-03-01 08:00,b,{name}");
        assert_eq!(raw, expected.as_str());
    }
}

#[tokio::test]
async fn files_that_cannot_be_read_fail_with_a_reason() {
    let home = Home::new();
    let server = home.serve();
    let failure = async |name: &str| {
        let id = server.upload(&home.path(name)).await;
        let ended = server.ended(&id).await;
        assert_eq!(ended["state"], "FAILED", "{name}: {ended}");
        let error = &ended["error"];
        (
            error["code"].as_str().unwrap().to_owned(),
            error["message"].as_str().unwrap().to_owned(),
        )
    };
    let point = StructArray::from(vec![(
        Arc::new(Field::new("x", DataType::Float64, false)),
        floats(&[1.0]),
    )]);
    let mut columns = ends(1).split_off(2);
    columns.push(("origin_coord", array(point)));
    columns.push(("started_at", texts(&["2021-03-01 08:00"])));
    write(&home.path("nested.parquet"), columns);
    let (code, message) = failure("nested.parquet").await;
    assert_eq!(code, "COLUMN_NOT_SUPPORTED");
    assert!(
        message.starts_with(
            "the column origin_coord of the Parquet file is a struct: nested columns cannot be read"
        ),
        "{message}"
    );

    write(&home.path("other.parquet"), vec![("a", texts(&["b"]))]);
    let (code, message) = failure("other.parquet").await;
    assert_eq!(code, "MISSING_COLUMNS");
    assert!(message.contains("it has: a"), "{message}");

    let rows = 400;
    let mut columns = ends(rows);
    columns.push(("started_at", texts(&vec!["2021-03-01 08:00"; rows])));
    let numbers: Vec<String> = (0..rows).map(|number| format!("ride {number}")).collect();
    columns.push(("id", array(StringArray::from(numbers))));
    write(&home.path("good.parquet"), columns);
    let good = std::fs::read(home.path("good.parquet")).unwrap();
    let name = "bad.parquet";
    for len in [4, 8, 12, good.len() / 2, good.len() - 1] {
        std::fs::write(home.path(name), &good[..len]).unwrap();
        let (code, message) = failure(name).await;
        assert!(
            code.starts_with("COMPRESSED_DATA_"),
            "{len}: {code} {message}"
        );
        assert!(message.contains("Parquet"), "{message}");
    }
    // Whatever is damaged, it ends: as a failure, or where a value is another, with its trips.
    for at in (4..good.len()).step_by(good.len() / 60) {
        let mut bad = good.clone();
        bad[at] ^= 0x55;
        std::fs::write(home.path(name), &bad).unwrap();
        let id = server.upload(&home.path(name)).await;
        let ended = server.ended(&id).await;
        if ended["state"] == "FAILED" {
            assert_ne!(ended["error"]["code"], "INTERNAL", "{at}: {ended}");
        }
    }
    assert!(!server.process.log().contains("internal error"));
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_was_interrupted_is_continued_and_each_row_counted_once() {
    let (source, home) = (Home::new(), Home::new());
    source.generate("trips.csv", 300_000, 3);
    ingested(&source, "trips.csv");
    let file = home.path("trips.parquet");
    let ran = source.run(&["export", "trips", "-o", file.to_str().unwrap()]);
    assert!(ran.succeeded(), "{ran:?}");
    let mut server = home.serve();
    let id = server.upload(&file).await;
    for rows in [0, 150_000] {
        let further = format!("SELECT COUNT(*) FROM ingestion WHERE rows_ingested > {rows}");
        home.until(&further).await;
        server.process.kill();
        server = home.serve();
    }
    let ended = server.ended(&id).await;
    assert_eq!(ended["state"], "SUCCEEDED", "{ended}");
    assert_eq!(ended["rowsIngested"], 300_000, "{ended}");
    drop(server);
    assert!(home.run(&["verify"]).succeeded());
    assert_eq!(exported(&home), exported(&source));
}

#[test]
fn inspect_reads_what_ingest_reads() {
    use std::io::Write as _;
    let home = Home::new();
    let text = format!(
        "{HEADER}Lyon,POINT (4.83 45.76),POINT (4.86 45.74),2021-03-01 08:00:00,phone,\nbad\n"
    );
    home.write("plain.csv", &text);
    let plain = inspected(&home, "plain.csv", &[]);
    assert_eq!(
        (&plain["rowsRead"], &plain["rowsIngested"]),
        (&json!(2), &json!(1))
    );
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    std::fs::write(home.path("gz"), gzip.finish().unwrap()).unwrap();
    let zstd = zstd::encode_all(text.as_bytes(), 1).unwrap();
    std::fs::write(home.path("zst"), zstd).unwrap();
    for name in ["gz", "zst"] {
        let mut found = inspected(&home, name, &[]);
        found["file"] = plain["file"].clone();
        assert_eq!(found, plain, "{name}");
    }
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for name in ["a.csv", "b.csv"] {
        zip.start_file(name, zip::write::SimpleFileOptions::default())
            .unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    std::fs::write(home.path("both.zip"), zip.finish().unwrap().into_inner()).unwrap();
    let found = inspected(&home, "both.zip", &[]);
    assert_eq!(
        (&found["rowsRead"], &found["rowsIngested"]),
        (&json!(4), &json!(2))
    );
    let reason = found["rejectedRows"][1]["reason"].as_str().unwrap();
    assert!(reason.ends_with("(line 3 of b.csv)"), "{found}");

    // Standard input.
    let mut inspect = home
        .command(&["inspect", "-", "--json"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    inspect
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = inspect.wait_with_output().unwrap();
    let mut found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found[0]["file"], "stdin");
    found[0]["file"] = plain["file"].clone();
    assert_eq!(found[0], plain);

    std::fs::write(
        home.path("cut.gz"),
        &std::fs::read(home.path("gz")).unwrap()[..40],
    )
    .unwrap();
    let found = inspected(&home, "cut.gz", &[]);
    assert_eq!(
        found["error"]["code"], "COMPRESSED_DATA_TRUNCATED",
        "{found}"
    );
    let found = inspected(&home, "missing.csv", &[]);
    assert_eq!(found["error"]["code"], "FILE_UNREADABLE", "{found}");
}
