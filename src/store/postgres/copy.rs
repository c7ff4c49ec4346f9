//! The binary format of `COPY`: <https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.4>.

use sqlx::PgConnection;
use sqlx::postgres::PgCopyIn;

use crate::store::Error;

const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const TRAILER: [u8; 2] = (-1i16).to_be_bytes();
/// Bytes that are collected before they are sent.
const SEND_BYTES: usize = 1 << 18;

/// Rows on their way into one table.
pub(super) struct Copy<'c> {
    stream: PgCopyIn<&'c mut PgConnection>,
    buffer: Vec<u8>,
    columns: i16,
}

impl<'c> Copy<'c> {
    /// Begins to write into some columns of a table.
    pub(super) async fn begin(
        connection: &'c mut PgConnection,
        table: &str,
        columns: &[&str],
    ) -> Result<Self, Error> {
        let sql = format!(
            "COPY {table} ({}) FROM STDIN (FORMAT binary)",
            columns.join(", ")
        );
        let mut buffer = Vec::with_capacity(SEND_BYTES + (SEND_BYTES >> 2));
        buffer.extend_from_slice(HEADER);
        Ok(Self {
            stream: connection.copy_in_raw(&sql).await?,
            buffer,
            // A table has at most 1,600 columns.
            columns: i16::try_from(columns.len()).unwrap_or(i16::MAX),
        })
    }

    /// Begins a row; as many values must follow as there are columns.
    pub(super) async fn row(&mut self) -> Result<&mut Self, Error> {
        if self.buffer.len() >= SEND_BYTES {
            self.stream.send(self.buffer.as_slice()).await?;
            self.buffer.clear();
        }
        self.buffer.extend_from_slice(&self.columns.to_be_bytes());
        Ok(self)
    }

    /// Adds a value, in the byte order of the network.
    pub(super) fn value(&mut self, bytes: &[u8]) -> &mut Self {
        // What is packed has megabytes at most.
        let length = i32::try_from(bytes.len()).unwrap_or(i32::MAX);
        self.buffer.extend_from_slice(&length.to_be_bytes());
        self.buffer.extend_from_slice(bytes);
        self
    }

    /// Adds a text. PostgreSQL's hold no zero byte; a file's may.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        if text.contains('\0') {
            return self.value(text.replace('\0', "\u{fffd}").as_bytes());
        }
        self.value(text.as_bytes())
    }

    /// Adds no value.
    pub(super) fn null(&mut self) -> &mut Self {
        self.buffer.extend_from_slice(&(-1i32).to_be_bytes());
        self
    }

    /// Ends the last row.
    pub(super) async fn finish(mut self) -> Result<(), Error> {
        self.buffer.extend_from_slice(&TRAILER);
        self.stream.send(self.buffer).await?;
        self.stream.finish().await?;
        Ok(())
    }
}
