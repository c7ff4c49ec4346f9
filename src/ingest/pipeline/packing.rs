//! Packing: how a file is compressed, by its first bytes, and why it cannot be decompressed.

use std::io;

/// How a file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    /// Not at all.
    None,
    /// gzip, of one or more members.
    Gzip,
    /// Zstandard, of one or more frames.
    Zstandard,
    /// A zip archive.
    Zip,
    /// Not packed, but in columns.
    Parquet,
    /// In a way that is not read.
    Unknown(&'static str),
}

impl Packing {
    /// First bytes of a file that tell how it is packed.
    pub(super) const MAGIC_BYTES: u64 = 8;

    /// How a file that begins with these bytes is packed.
    pub(super) fn of(first: &[u8]) -> Self {
        match first {
            [0x1f, 0x8b, 8, ..] => Self::Gzip,
            // A frame, or a skippable one, with which files of pzstd begin.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstandard,
            // The first file, the end of an empty archive, or the first of several parts.
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] | [b'P', b'K', 7, 8, ..] => Self::Zip,
            [b'P', b'A', b'R', b'1', ..] => Self::Parquet,
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, ..] => Self::Unknown("bzip2"),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Unknown("xz"),
            [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => Self::Unknown("7-Zip"),
            [b'R', b'a', b'r', b'!', 0x1a, 7, ..] => Self::Unknown("RAR"),
            [4, 0x22, 0x4d, 0x18, ..] => Self::Unknown("LZ4"),
            [0x1f, 0x9d, ..] => Self::Unknown("compress"),
            _ => Self::None,
        }
    }

    /// Its name.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::None => "plain",
            Self::Gzip => "gzip",
            Self::Zstandard => "Zstandard",
            Self::Zip => "zip",
            Self::Parquet => "Parquet",
            Self::Unknown(name) => name,
        }
    }
}

/// Why a file cannot be decompressed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::ingest) enum UnpackError {
    #[error(
        "the {0} data ends too early: the file is incomplete; copy or download it again, and \
         compare its size with the original's"
    )]
    Truncated(&'static str),
    #[error("the {format} data is corrupt ({reason}): copy or download the file again")]
    Corrupt {
        format: &'static str,
        reason: String,
    },
    #[error(
        "the Zstandard data needs a window of more than 128 MiB: compress the file again without \
         --long or --ultra"
    )]
    Window,
    #[error(
        "the file decompresses to more than {limit} bytes, over {ratio} times its size: it is \
         not a file of trips"
    )]
    TooLarge { limit: u64, ratio: u64 },
    #[error(
        "the file is compressed with {0}, which is not supported: decompress it, or compress it \
         with gzip, Zstandard or zip"
    )]
    Unsupported(&'static str),
    #[error(
        "the archive has no table: put .csv, .tsv or .tab files into it; it has {files} other {}",
        if *files == 1 { "file" } else { "files" }
    )]
    NoTable { files: usize },
    #[error(
        "{name} in the archive is encrypted: extract it with its password, and ingest what was \
         extracted"
    )]
    Encrypted { name: String },
    #[error(
        "{name} in the archive is compressed in a way that is not supported ({reason}): extract \
         the archive, and compress it again with the usual method, Deflate"
    )]
    Method { name: String, reason: String },
    #[error("the zip archive lists too many files: extract it, and ingest the folder")]
    TooManyFiles,
    #[cfg_attr(
        not(feature = "parquet"),
        expect(dead_code, reason = "Parquet is not read")
    )]
    #[error(
        "the column {column} of the Parquet file is {data_type} cannot be read. Write it as numbers, \
         times or text, or as WKB if it is a point"
    )]
    ParquetColumn { column: String, data_type: String },
    #[cfg_attr(
        not(feature = "parquet"),
        expect(dead_code, reason = "Parquet is not read")
    )]
    #[error(
        "the Parquet file is compressed with {0}, which is not supported: write it again with \
         Zstandard or Snappy"
    )]
    ParquetCompression(&'static str),
    #[cfg_attr(feature = "parquet", expect(dead_code, reason = "Parquet is read"))]
    #[error(
        "the file is Parquet, which this build of tripgraph does not read: build it with the cargo \
         feature `parquet`, or convert the file to CSV"
    )]
    NoParquet,
    #[error("the file is a spreadsheet, not CSV: open it and save it as CSV (UTF-8)")]
    Spreadsheet,
}

impl UnpackError {
    /// The stable error code, in upper case.
    pub(super) const fn code(&self) -> &'static str {
        match self {
            Self::Truncated(_) => "COMPRESSED_DATA_TRUNCATED",
            Self::Corrupt { .. } => "COMPRESSED_DATA_CORRUPT",
            Self::Window
            | Self::Unsupported(_)
            | Self::Method { .. }
            | Self::ParquetCompression(_) => "COMPRESSION_NOT_SUPPORTED",
            Self::ParquetColumn { .. } => "COLUMN_NOT_SUPPORTED",
            Self::NoParquet => "PARQUET_NOT_SUPPORTED",
            Self::TooLarge { .. } => "DECOMPRESSED_TOO_LARGE",
            Self::NoTable { .. } => "ARCHIVE_WITHOUT_TABLE",
            Self::Encrypted { .. } => "ARCHIVE_ENCRYPTED",
            Self::TooManyFiles => "ARCHIVE_TOO_LARGE",
            Self::Spreadsheet => "SPREADSHEET",
        }
    }

    /// Why a decoder of that format failed on bytes that could be read.
    pub(super) fn of_decoder(packing: Packing, error: &io::Error) -> Self {
        let reason = error.to_string();
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Truncated(packing.name()),
            _ if reason.contains("too much memory") => Self::Window,
            _ => Self::Corrupt {
                format: packing.name(),
                reason,
            },
        }
    }
}
