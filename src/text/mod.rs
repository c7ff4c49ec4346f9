//! Text from outside: files, their names, what clients send. What counts as blank, when two names
//! are the same, and what a terminal may be shown.

mod blank;
mod name;
mod printable;

pub use blank::{blank_len, is_blank, is_invisible, trim, trim_bytes};
pub use name::canonical_name;
pub use printable::{Printable, escape_json};
