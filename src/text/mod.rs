//! Untrusted text, such as files, their names, and requests: blank characters, the canonical form
//! of names, and safe display in a terminal.

mod blank;
mod name;
mod printable;

pub use blank::{blank_len, is_blank, is_invisible, trim, trim_bytes};
pub use name::canonical_name;
pub use printable::{Printable, escape_json};
