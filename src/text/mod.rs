//! Untrusted text, such as files, their names, and requests: blank characters, the canonical form
//! of names, and safe display in a terminal. Also the text of errors.

mod blank;
mod causes;
mod name;
mod printable;

pub use blank::{blank_len, is_blank, is_invisible, trim, trim_bytes};
pub use causes::causes;
pub use name::canonical_name;
pub use printable::{Printable, escape_json};
