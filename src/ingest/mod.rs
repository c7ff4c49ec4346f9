//! Ingestion: from a CSV file to trips in the answers.

pub mod parse;
