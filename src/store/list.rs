//! Lists: any number of rows as parameters of one statement, in each engine's own way.

use std::fmt::Write as _;

use sea_orm::sea_query::ArrayType;
use sea_orm::{DbBackend, Value};

/// Rows that a statement joins like a table: `list`, with the columns `c0`, `c1`, … and `place`,
/// which counts them from 1.
pub(super) struct List {
    rows: Rows,
    /// Its parameters, which come after the statement's others.
    pub(super) values: Vec<Value>,
}

/// Where the rows come from.
enum Rows {
    /// One JSON array, of numbers, of texts or of arrays: the SQL of its columns, and the
    /// parameter's number.
    Json { columns: String, parameter: usize },
    /// An array a column: their SQL types, and the number of the first parameter.
    Arrays {
        types: Vec<&'static str>,
        first: usize,
    },
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
            let arrays = arrays.into_iter().map(numbers);
            return Self::arrays(parameters, vec!["bigint"; columns], arrays.collect());
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
        Self::json(parameters, columns.join(", "), json)
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
        Self::json(parameters, "value AS c0".to_owned(), json)
    }

    /// One column of texts.
    pub(super) fn texts(backend: DbBackend, parameters: usize, texts: &[String]) -> Self {
        if backend == DbBackend::Postgres {
            let texts = texts.iter().map(|text| Value::from(text.as_str()));
            let array = Value::Array(ArrayType::String, Some(Box::new(texts.collect())));
            return Self::arrays(parameters, vec!["text"], vec![array]);
        }
        let mut json = serde_json::Value::from(texts).to_string();
        json.pop();
        Self::json(parameters, "value AS c0".to_owned(), json)
    }

    /// With one more column, of bytes; only of a list of arrays.
    pub(super) fn with_bytes(mut self, column: impl Iterator<Item = Vec<u8>>) -> Self {
        if let Rows::Arrays { types, .. } = &mut self.rows {
            types.push("bytea");
            let column = column.map(Value::from).collect();
            let array = Value::Array(ArrayType::Bytes, Some(Box::new(column)));
            self.values.push(array);
        }
        self
    }

    /// The table, for after FROM. Where it comes first, and CROSS JOIN follows, the list leads,
    /// whatever SQLite's planner thinks of it.
    pub(super) fn table(&self) -> String {
        match &self.rows {
            Rows::Json { columns, parameter } => {
                format!("(SELECT key + 1 AS place, {columns} FROM json_each(${parameter})) AS list")
            }
            Rows::Arrays { types, first } => {
                let (mut arrays, mut names) = (String::new(), String::new());
                for (column, sql_type) in types.iter().enumerate() {
                    let comma = if column == 0 { "" } else { ", " };
                    // Writing to a string cannot fail.
                    let _ = write!(arrays, "{comma}${}::{sql_type}[]", first + column);
                    let _ = write!(names, "c{column}, ");
                }
                format!("unnest({arrays}) WITH ORDINALITY AS list ({names}place)")
            }
        }
    }

    /// `json` lacks its end, and may have a comma there.
    fn json(parameters: usize, columns: String, mut json: String) -> Self {
        if json.ends_with(',') {
            json.pop();
        }
        json.push(']');
        Self {
            rows: Rows::Json {
                columns,
                parameter: parameters + 1,
            },
            values: vec![json.into()],
        }
    }

    fn arrays(parameters: usize, types: Vec<&'static str>, values: Vec<Value>) -> Self {
        Self {
            rows: Rows::Arrays {
                types,
                first: parameters + 1,
            },
            values,
        }
    }
}

fn numbers(numbers: Vec<Value>) -> Value {
    Value::Array(ArrayType::BigInt, Some(Box::new(numbers)))
}
