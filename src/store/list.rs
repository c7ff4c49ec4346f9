//! Lists: any number of rows as parameters of one statement, in each engine's own way.

use std::fmt::Write as _;

use sea_orm::sea_query::ArrayType;
use sea_orm::{DbBackend, Value};

/// Rows that a statement joins like a table: `list`, with the columns `c0`, `c1`, … and `place`,
/// which counts them from 1.
pub(super) struct List {
    /// The table, for after FROM. Where it comes first, and CROSS JOIN follows, the list leads,
    /// whatever the planner thinks of it.
    pub(super) table: String,
    /// Its parameters, which come after the statement's others.
    pub(super) values: Vec<Value>,
}

impl List {
    /// Rows of numbers, in a statement that has some parameters already.
    pub(super) fn numbers<R: AsRef<[i64]>>(
        backend: DbBackend,
        parameters: usize,
        columns: usize,
        rows: impl Iterator<Item = R>,
    ) -> Self {
        if backend == DbBackend::Postgres {
            let mut arrays = vec![Vec::new(); columns];
            for row in rows {
                for (array, &number) in arrays.iter_mut().zip(row.as_ref()) {
                    array.push(Value::from(number));
                }
            }
            return Self::arrays(parameters, "bigint", &ArrayType::BigInt, arrays);
        }
        // One array of arrays in one parameter.
        let mut json = String::from("[");
        for row in rows {
            let mut open = '[';
            for number in row.as_ref() {
                // Writing to a string cannot fail.
                let _ = write!(json, "{open}{number}");
                open = ',';
            }
            json.push_str("],");
        }
        let columns: Vec<_> = (0..columns)
            .map(|column| format!("value ->> {column} AS c{column}"))
            .collect();
        Self::json(parameters, &columns.join(", "), json)
    }

    /// One column of numbers.
    pub(super) fn column(
        backend: DbBackend,
        parameters: usize,
        numbers: impl Iterator<Item = i64>,
    ) -> Self {
        if backend == DbBackend::Postgres {
            return Self::numbers(backend, parameters, 1, numbers.map(|number| [number]));
        }
        let mut json = String::from("[");
        for number in numbers {
            // Writing to a string cannot fail.
            let _ = write!(json, "{number},");
        }
        Self::json(parameters, "value AS c0", json)
    }

    /// One column of texts.
    pub(super) fn texts(backend: DbBackend, parameters: usize, texts: &[String]) -> Self {
        if backend == DbBackend::Postgres {
            let array = texts.iter().map(|text| Value::from(text.as_str()));
            return Self::arrays(
                parameters,
                "text",
                &ArrayType::String,
                vec![array.collect()],
            );
        }
        let mut json = serde_json::Value::from(texts).to_string();
        json.pop();
        Self::json(parameters, "value AS c0", json)
    }

    /// `json` lacks its end, and may have a comma there.
    fn json(parameters: usize, columns: &str, mut json: String) -> Self {
        if json.ends_with(',') {
            json.pop();
        }
        json.push(']');
        Self {
            table: format!(
                "(SELECT key + 1 AS place, {columns} FROM json_each(${})) AS list",
                parameters + 1
            ),
            values: vec![json.into()],
        }
    }

    fn arrays(
        parameters: usize,
        sql_type: &str,
        array_type: &ArrayType,
        arrays: Vec<Vec<Value>>,
    ) -> Self {
        let range = 0..arrays.len();
        let parameters: Vec<_> = range
            .clone()
            .map(|column| format!("${}::{sql_type}[]", parameters + column + 1))
            .collect();
        let names: Vec<_> = range.map(|column| format!("c{column}")).collect();
        Self {
            table: format!(
                "unnest({}) WITH ORDINALITY AS list ({}, place)",
                parameters.join(", "),
                names.join(", ")
            ),
            values: arrays
                .into_iter()
                .map(|array| Value::Array(array_type.clone(), Some(Box::new(array))))
                .collect(),
        }
    }
}
