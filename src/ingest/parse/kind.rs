//! Files that are not tables of trips: recognised by their first bytes.

use super::snippet::snippet;
use crate::text::trim_bytes;

/// Maximum number of characters of an error code in a message.
const SHOWN_CHARS: usize = 40;

/// A kind of file that is not a table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WrongKind {
    /// An image: PNG, JPEG, GIF, TIFF or WebP.
    #[error("the file is an image, not a table of trips")]
    Image,
    /// A PDF document.
    #[error("the file is a PDF document: export the table that it was made from as CSV")]
    Pdf,
    /// An Excel workbook, or another spreadsheet.
    #[error(
        "the file is a spreadsheet: open it in Excel or LibreOffice, choose File > Save As, and \
         save the sheet of trips as CSV UTF-8"
    )]
    Spreadsheet,
    /// An archive or a compressed file that is not decompressed here.
    #[error("the file is compressed or an archive in a format that is not read: unpack it first")]
    Archive,
    /// A tar archive.
    #[error("the file is a tar archive: extract it, and ingest the tables in it")]
    Tar,
    /// A Parquet file, inside an archive or a compressed file.
    #[error(
        "the file is Parquet inside a compressed file or an archive: extract it, and ingest what was \
         extracted; Parquet is compressed in itself"
    )]
    PackedParquet,
    /// A database or another binary file of data.
    #[error("the file is a database: export its table of trips as CSV")]
    Database,
    /// An HTML page.
    #[error(
        "the file is a web page, not a table of trips: the download probably led to a login or an \
         error page"
    )]
    Html,
    /// The error document of an object store.
    #[error(
        "the file is an error message of an object store ({0}), not a table of trips: download it \
         again with access to the object"
    )]
    StoreError(String),
    /// Another XML document.
    #[error("the file is an XML document: export the trips as CSV")]
    Xml,
    /// A pointer of Git LFS.
    #[error(
        "the file is a Git LFS pointer, not the file itself: run `git lfs pull` and ingest it again"
    )]
    LfsPointer,
}

/// Beginnings of binary files.
const SIGNATURES: [(&[u8], WrongKind); 21] = [
    (b"\x89PNG\r\n", WrongKind::Image),
    (b"\xff\xd8\xff", WrongKind::Image),
    (b"GIF8", WrongKind::Image),
    (b"II*\0", WrongKind::Image),
    (b"MM\0*", WrongKind::Image),
    (b"RIFF", WrongKind::Image),
    (b"%PDF-", WrongKind::Pdf),
    // Before 2007.
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", WrongKind::Spreadsheet),
    (b"\x1f\x8b", WrongKind::Archive),
    (b"\x28\xb5\x2f\xfd", WrongKind::Archive),
    (b"PK\x03\x04", WrongKind::Archive),
    (b"PK\x05\x06", WrongKind::Archive),
    (b"BZh", WrongKind::Archive),
    (b"\xfd7zXZ\0", WrongKind::Archive),
    (b"7z\xbc\xaf\x27\x1c", WrongKind::Archive),
    (b"Rar!\x1a\x07", WrongKind::Archive),
    // Alone, it is read.
    (b"PAR1", WrongKind::PackedParquet),
    (b"SQLite format 3\0", WrongKind::Database),
    (b"\x00\x01\x00\x00Standard", WrongKind::Database),
    (b"\x89HDF\r\n", WrongKind::Database),
    (
        b"version https://git-lfs.github.com/spec/",
        WrongKind::LfsPointer,
    ),
];

impl WrongKind {
    /// The kind of a file that begins with these bytes, if it is certainly not a table.
    #[must_use]
    pub fn of(head: &[u8]) -> Option<Self> {
        let found = SIGNATURES.iter().find(|(start, _)| head.starts_with(start));
        match found.map(|(_, kind)| kind.clone()) {
            Some(Self::Archive) if is_spreadsheet(head) => Some(Self::Spreadsheet),
            None if is_tar(head) => Some(Self::Tar),
            None => markup(trim_bytes(&head[..head.len().min(4096)])),
            kind => kind,
        }
    }

    /// Whether the file is binary.
    pub(super) const fn is_binary(&self) -> bool {
        !matches!(
            self,
            Self::Html | Self::StoreError(_) | Self::Xml | Self::LfsPointer
        )
    }
}

/// Whether a ZIP archive is an Office or OpenDocument file.
fn is_spreadsheet(head: &[u8]) -> bool {
    let head = &head[..head.len().min(4096)];
    let has = |text: &[u8]| memchr::memmem::find(head, text).is_some();
    head.starts_with(b"PK")
        && (has(b"[Content_Types].xml") || has(b"xl/") || has(b"opendocument.spreadsheet"))
}

/// Whether a file is an archive of POSIX or GNU tar.
fn is_tar(head: &[u8]) -> bool {
    head.get(257..)
        .is_some_and(|magic| magic.starts_with(b"ustar"))
}

/// How HTML begins, in lower case (WHATWG, MIME sniffing), each followed by a blank or `>`.
const HTML: [&str; 18] = [
    "<!doctype html",
    "<html",
    "<head",
    "<script",
    "<iframe",
    "<h1",
    "<div",
    "<font",
    "<table",
    "<a",
    "<style",
    "<title",
    "<b",
    "<body",
    "<br",
    "<p",
    "<meta",
    "<!--",
];

fn markup(head: &[u8]) -> Option<WrongKind> {
    if head.first() != Some(&b'<') {
        return None;
    }
    let text = String::from_utf8_lossy(head).to_lowercase();
    let is_html = HTML.iter().any(|start| {
        text.strip_prefix(start)
            .is_some_and(|rest| rest.starts_with(|next: char| next == '>' || next.is_whitespace()))
    });
    if is_html || text.contains("<html") {
        return Some(WrongKind::Html);
    }
    if text.contains("<error>") {
        let original = String::from_utf8_lossy(head);
        let code = original
            .split_once("<Code>")
            .and_then(|(_, rest)| Some(rest.split_once("</Code>")?.0));
        if let Some(code) = code {
            let code = snippet(code.trim().as_bytes(), SHOWN_CHARS);
            return Some(WrongKind::StoreError(code));
        }
    }
    (text.starts_with("<?xml") || text.starts_with("<kml") || text.starts_with("<gpx"))
        .then_some(WrongKind::Xml)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_other_kinds_are_recognised() {
        for (head, kind) in [
            (&b"\x89PNG\r\n\x1a\n"[..], Some(WrongKind::Image)),
            (b"%PDF-1.7", Some(WrongKind::Pdf)),
            (
                b"PK\x03\x04\x14\0\x06\0[Content_Types].xml",
                Some(WrongKind::Spreadsheet),
            ),
            (b"PK\x03\x04\x14\0\x06\0trips.csv", Some(WrongKind::Archive)),
            (b"\n<!DOCTYPE html>\n<html>", Some(WrongKind::Html)),
            (b"<head>\n<title>Log in</title>", Some(WrongKind::Html)),
            (b"<!-- a page --><p>", Some(WrongKind::Html)),
            (
                b"<?xml version=\"1.0\"?>\n<Error><Code>AccessDenied</Code></Error>",
                Some(WrongKind::StoreError("AccessDenied".to_owned())),
            ),
            (
                b"\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>BlobNotFound</Code>\
                  <Message>The specified blob does not exist.",
                Some(WrongKind::StoreError("BlobNotFound".to_owned())),
            ),
            (b"PAR1\x15\x04", Some(WrongKind::PackedParquet)),
            (&[&[b'a'; 257][..], b"ustar\x0000"].concat(), Some(WrongKind::Tar)),
            (b"<better>,x", None),
            (b"<?xml version=\"1.0\"?><kml>", Some(WrongKind::Xml)),
            (
                b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
                Some(WrongKind::LfsPointer),
            ),
            (b"region,origin_coord", None),
            (b"<5 minutes>,x", None),
            (b"", None),
        ] {
            assert_eq!(WrongKind::of(head), kind);
        }
    }
}
