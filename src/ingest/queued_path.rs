//! Paths of queued files: converts paths, which are bytes, to text and back.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Prefix of a path that is not UTF-8, before its bytes in hexadecimal. Queued paths are absolute
/// or names of files in the spool, and never begin with it.
const BYTES: &str = "bytes:";

/// A path as text, which [`path`] converts back.
pub(super) fn text(path: &Path) -> String {
    if let Some(text) = path.to_str() {
        return text.to_owned();
    }
    let mut text = BYTES.to_owned();
    for byte in path.as_os_str().as_encoded_bytes() {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The path that [`text`] has converted.
pub(super) fn path(text: &str) -> PathBuf {
    let bytes = text.strip_prefix(BYTES).and_then(from_hexadecimal);
    bytes.map_or_else(|| PathBuf::from(text), |bytes| from_bytes(bytes).into())
}

fn from_hexadecimal(digits: &str) -> Option<Vec<u8>> {
    let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok();
    digits.as_bytes().chunks(2).map(byte).collect()
}

#[cfg(unix)]
fn from_bytes(bytes: Vec<u8>) -> OsString {
    std::os::unix::ffi::OsStringExt::from_vec(bytes)
}

/// On other systems, queued paths are Unicode.
#[cfg(not(unix))]
fn from_bytes(bytes: Vec<u8>) -> OsString {
    String::from_utf8_lossy(&bytes).into_owned().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_kept_as_it_is() {
        for path in ["1f.csv", "/a b/%41?#.csv", "/bytes:/x", "/é/\u{1f600}"] {
            assert_eq!(text(Path::new(path)), path);
            assert_eq!(super::path(path), Path::new(path));
        }
    }

    #[cfg(unix)]
    #[test]
    fn bytes_come_back() {
        let path = PathBuf::from(from_bytes(b"/d\xff%41/\x80.csv".to_vec()));
        assert_eq!(text(&path), "bytes:2f64ff2534312f802e637376");
        assert_eq!(super::path(&text(&path)), path);
    }
}
