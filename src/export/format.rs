use std::str::FromStr;

use clap::ValueEnum;

/// What is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Subject {
    /// Number of trips of each calendar week, zeros included
    Weeks,
    /// Groups of similar trips
    Groups,
    /// The trips themselves
    Trips,
    /// Number of trips from zone to zone of a set
    Od,
    /// Zones of a set and their weekly averages
    Zones,
}

/// Format of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Comma-separated values, with a header
    Csv,
    /// One GeoJSON feature collection
    #[value(name = "geojson")]
    GeoJson,
    /// GeoJSON text sequence (RFC 8142): one feature after the other
    #[value(name = "geojsonseq")]
    GeoJsonSeq,
    /// Parquet, with the metadata of GeoParquet
    #[cfg(feature = "parquet")]
    Parquet,
}

impl Subject {
    /// All subjects.
    pub const ALL: [Self; 5] = [
        Self::Weeks,
        Self::Groups,
        Self::Trips,
        Self::Od,
        Self::Zones,
    ];

    /// The name in URLs and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Weeks => "weeks",
            Self::Groups => "groups",
            Self::Trips => "trips",
            Self::Od => "od",
            Self::Zones => "zones",
        }
    }
}

impl Format {
    /// All formats.
    pub const ALL: &'static [Self] = &[
        Self::Csv,
        Self::GeoJson,
        Self::GeoJsonSeq,
        #[cfg(feature = "parquet")]
        Self::Parquet,
    ];

    /// The ending of file names.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::GeoJson => "geojson",
            Self::GeoJsonSeq => "geojsonseq",
            #[cfg(feature = "parquet")]
            Self::Parquet => "parquet",
        }
    }

    /// The media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::GeoJson => "application/geo+json",
            Self::GeoJsonSeq => "application/geo+json-seq",
            #[cfg(feature = "parquet")]
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }

    /// Whether compressing the file again makes it smaller.
    #[must_use]
    pub const fn is_text(self) -> bool {
        match self {
            Self::Csv | Self::GeoJson | Self::GeoJsonSeq => true,
            // It is compressed by itself.
            #[cfg(feature = "parquet")]
            Self::Parquet => false,
        }
    }
}

/// The name is none of the known ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownName;

impl FromStr for Subject {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        let mut subjects = Self::ALL.into_iter();
        subjects
            .find(|subject| subject.name() == name)
            .ok_or(UnknownName)
    }
}

impl FromStr for Format {
    type Err = UnknownName;

    fn from_str(extension: &str) -> Result<Self, UnknownName> {
        let mut formats = Self::ALL.iter().copied();
        formats
            .find(|format| format.extension() == extension)
            .ok_or(UnknownName)
    }
}
