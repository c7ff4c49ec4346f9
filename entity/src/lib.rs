//! The tables of tripgraph as SeaORM entities, one file a table.

pub mod datasource;
pub mod edition;
pub mod flow_histogram;
pub mod ingestion;
pub mod ingestion_locations;
pub mod region;
pub mod rejected_row;
pub mod segment;
pub mod trip;
pub mod trip_patch;
pub mod trip_summary;
pub mod trip_total;
pub mod weekly_histogram;
pub mod worker;
