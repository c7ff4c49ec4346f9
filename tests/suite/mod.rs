//! What must hold on every database, seen from outside. Which one it is the crate's name tells.

pub mod program;
pub mod support;

mod admission;
mod answers;
mod cli;
mod damage;
mod documents;
mod errors;
mod exactness;
mod files;
mod http;
mod progress;
mod queries;
mod recovery;
mod removal;
mod sample;
mod similar_trips;
mod sql_trips;
mod verify;
mod warnings;
mod websocket;
mod weekly_average;
