//! Exports: the rows of an answer as a file, written while they are read.
//!
//! [`ExportParams`] are the parameters as clients and the command line give them; an [`Export`] is a
//! checked question with a format. [`Export::write`] reads the rows on a thread of its own and
//! writes them there, so that memory does not grow with their number; [`Export::stream`] hands the
//! bytes on to async code, and ends the export when the stream is dropped.

mod body;
mod channel;
mod csv;
mod encoder;
mod error;
mod flowmap;
mod format;
mod geojson;
mod line;
mod params;
#[cfg(feature = "parquet")]
mod parquet;
mod question;
mod table;
#[cfg(feature = "parquet")]
mod wkb;

use std::io::Write;

use axum::body::Bytes;
use futures::{Stream, StreamExt, TryStreamExt, stream};

pub use self::error::{ExportError, ParamError};
pub use self::flowmap::Flowmap;
pub use self::format::{Format, Subject};
pub use self::params::ExportParams;
use crate::analytics::{AnalyticsError, Answers, RowsQuestion};
use crate::model::BucketMinutes;

/// A question whose answer is written as a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    question: RowsQuestion,
    format: Format,
}

impl Export {
    /// Writes the file. `output` is written to on a thread of its own, and may block.
    pub async fn write(
        self,
        answers: &Answers,
        output: impl Write + Send + 'static,
    ) -> Result<(), ExportError> {
        let (table, bucket) = match &self.question {
            RowsQuestion::Weeks { .. } => (&table::WEEKS, BucketMinutes::HOUR),
            RowsQuestion::Groups { similarity, .. } => (&table::GROUPS, similarity.bucket),
            RowsQuestion::Trips { .. } => (&table::TRIPS, BucketMinutes::HOUR),
            RowsQuestion::Pairs { .. } => (&table::OD, BucketMinutes::HOUR),
            RowsQuestion::Zones { .. } => (&table::ZONES, BucketMinutes::HOUR),
        };
        let encoder = encoder::encoder(self.format, table, Box::new(output));
        let encoder = encoder.map_err(crate::store::Error::Output);
        let encoder = encoder.map_err(AnalyticsError::Store)?;
        let sink = encoder::EncodedRows::new(encoder, bucket);
        Ok(answers.export(self.question, sink).await?)
    }

    /// The bytes of the file. Dropping the stream ends the export.
    pub fn stream(
        self,
        answers: Answers,
    ) -> impl Stream<Item = Result<Bytes, ExportError>> + Send + 'static {
        let (output, chunks) = channel::channel();
        let written = async move { self.write(&answers, output).await };
        // Ends when both have: the file is whole only if it was written without an error.
        let outcome = stream::once(written).map_ok(|()| None);
        stream::select(chunks.map(|chunk| Ok(Some(chunk))), outcome)
            .try_filter_map(async |chunk| Ok(chunk))
    }
}
