//! The rows of exported files, in the columns and forms of CSV.

use chrono::{NaiveDate, TimeDelta};
use serde_json::Value;

pub(super) type Rows = Vec<Vec<String>>;

pub(super) fn sorted(mut rows: Rows) -> Rows {
    rows.sort();
    rows
}

/// The columns of a CSV file, and its rows in a fixed order.
pub(super) fn csv_rows(text: &str) -> (Vec<String>, Rows) {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader
        .headers()
        .unwrap()
        .iter()
        .map(str::to_owned)
        .collect();
    let fields = |row: csv::StringRecord| row.iter().map(str::to_owned).collect();
    let rows = reader.records().map(|row| fields(row.unwrap()));
    (header, sorted(rows.collect()))
}

pub(super) fn field(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        // As CSV has numbers: 2.0 is 2.
        Value::Number(number) => match number.as_u64() {
            Some(count) => count.to_string(),
            None => number.as_f64().unwrap().to_string(),
        },
        other => panic!("{other} is no field"),
    }
}

/// The columns of GeoJSON features that CSV has, too, and the rows.
pub(super) fn geojson_rows(text: &str, header: &[String]) -> Rows {
    let collection: Value = serde_json::from_str(text).unwrap();
    let features = collection["features"].as_array().unwrap().iter();
    let rows = features.map(|feature| {
        assert_eq!(feature["type"], "Feature");
        let properties = &feature["properties"];
        let names = header.iter().filter(|name| !name.ends_with("_coord"));
        let value = |name: &String| {
            let text = field(properties.get(name).unwrap());
            if name == "datetime" {
                text.replace('T', " ")
            } else {
                text
            }
        };
        names.map(value).collect()
    });
    sorted(rows.collect())
}

#[cfg(not(feature = "parquet"))]
pub(super) fn parquet_rows(_: axum::body::Bytes, _: &[String]) -> Rows {
    unreachable!("no Parquet is written")
}

/// A Parquet file's rows, in the columns and forms of CSV.
#[cfg(feature = "parquet")]
pub(super) fn parquet_rows(bytes: axum::body::Bytes, header: &[String]) -> Rows {
    use arrow_array::cast::AsArray;
    use arrow_array::types::{Date32Type, Float64Type, Int64Type, TimestampMicrosecondType};
    use arrow_array::{Array, ArrayRef};
    use arrow_schema::DataType;
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use tripgraph::model::LocalTime;

    let text = |array: &ArrayRef, row: usize| {
        if array.is_null(row) {
            return String::new();
        }
        match array.data_type() {
            DataType::Utf8 => array.as_string::<i32>().value(row).to_owned(),
            DataType::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
            DataType::Float64 => array.as_primitive::<Float64Type>().value(row).to_string(),
            DataType::Date32 => {
                let days = array.as_primitive::<Date32Type>().value(row);
                let epoch = NaiveDate::from_ymd_opt(1970, 1, 1).unwrap();
                (epoch + TimeDelta::days(days.into())).to_string()
            }
            DataType::Binary => {
                let wkb = array.as_binary::<i32>().value(row);
                let double = |at: usize| f64::from_le_bytes(wkb[at..at + 8].try_into().unwrap());
                format!("POINT ({} {})", double(5), double(13))
            }
            _ => {
                let micros = array.as_primitive::<TimestampMicrosecondType>().value(row);
                LocalTime::from_micros(micros)
                    .unwrap()
                    .to_naive()
                    .to_string()
            }
        }
    };
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap();
    let mut rows = Rows::new();
    for batch in reader.build().unwrap() {
        let batch = batch.unwrap();
        let columns: Vec<_> = header
            .iter()
            .map(|name| batch.column_by_name(name).unwrap())
            .collect();
        for row in 0..batch.num_rows() {
            rows.push(columns.iter().map(|column| text(column, row)).collect());
        }
    }
    sorted(rows)
}
