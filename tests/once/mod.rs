//! What is the same on every database: how files are read, and how clients are spoken with.

mod compressed;
mod damage;
mod dashboard;
mod disclosure;
mod documents;
mod event_stream;
mod export_filters;
mod fetching;
mod files;
mod formats;
mod http;
mod inbox;
mod messages;
#[cfg(feature = "cloud")]
mod objects;
mod parquet;
mod report_page;
mod sources;
mod websocket;
