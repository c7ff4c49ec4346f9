//! The suite on SQLite: each test has a file of its own.

mod suite;
