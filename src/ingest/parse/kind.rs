//! Files that are not tables of trips: recognised by their first bytes.

use crate::text::trim_bytes;

/// A kind of file that is not a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
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
    StoreError(&'static str),
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
const SIGNATURES: [(&[u8], WrongKind); 20] = [
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
        match found.map(|(_, kind)| *kind) {
            Some(Self::Archive) if is_spreadsheet(head) => Some(Self::Spreadsheet),
            None => markup(trim_bytes(&head[..head.len().min(4096)])),
            kind => kind,
        }
    }

    /// Whether the file is binary.
    pub(super) const fn is_binary(self) -> bool {
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

fn markup(head: &[u8]) -> Option<WrongKind> {
    if head.first() != Some(&b'<') {
        return None;
    }
    let text = String::from_utf8_lossy(head).to_lowercase();
    if text.starts_with("<!doctype html") || text.starts_with("<html") || text.contains("<html") {
        return Some(WrongKind::Html);
    }
    if text.contains("<error>") && text.contains("<code>") {
        let codes = [
            "AccessDenied",
            "NoSuchKey",
            "NoSuchBucket",
            "ExpiredToken",
            "RequestTimeTooSkewed",
        ];
        let code = codes
            .into_iter()
            .find(|code| text.contains(&code.to_lowercase()));
        return Some(WrongKind::StoreError(code.unwrap_or("Error")));
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
            (
                b"<?xml version=\"1.0\"?>\n<Error><Code>AccessDenied</Code></Error>",
                Some(WrongKind::StoreError("AccessDenied")),
            ),
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
