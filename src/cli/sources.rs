//! The sources on the command line: files, folders, globs, pipes, standard input, the web, object
//! stores. What each is called, and its bytes.

mod download;
mod object_url;
#[cfg(feature = "cloud")]
mod objects;
mod pipe;

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use futures::StreamExt;
use glob::{MatchOptions, glob_with};
use tokio_util::io::ReaderStream;

pub(super) use self::download::Opened;
use self::download::WebFile;
use self::object_url::ObjectUrl;
#[cfg(not(feature = "cloud"))]
use self::object_url::not_supported;
#[cfg(feature = "cloud")]
use self::objects::Stores;
use crate::text::Printable;

/// The name of what standard input is ingested as.
const STANDARD_INPUT: &str = "stdin";

/// Bytes of a file that are read at a time.
const READ_BYTES: usize = 1 << 18;

/// The characters by which patterns are told from names.
const PATTERN: &[u8] = b"*?[";
/// How names match patterns.
const MATCHING: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

/// Something to ingest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// A file, which can be read again.
    File(PathBuf),
    /// A named pipe or another file that is read once.
    Pipe(PathBuf),
    /// Standard input.
    Standard,
    /// A file that is downloaded.
    Web(WebFile),
}

impl Source {
    /// The name of its ingestion.
    pub(super) fn name(&self) -> Cow<'_, str> {
        match self {
            Self::Standard => STANDARD_INPUT.into(),
            Self::Web(file) => file.name().into(),
            Self::File(path) | Self::Pipe(path) => path
                .file_name()
                .unwrap_or(path.as_os_str())
                .to_string_lossy(),
        }
    }

    /// The name with its folder.
    pub(super) fn full_name(&self) -> Cow<'_, str> {
        match self {
            Self::Standard => STANDARD_INPUT.into(),
            Self::Web(file) => file.shown().into(),
            Self::File(path) | Self::Pipe(path) => path.to_string_lossy(),
        }
    }

    /// The name for display.
    pub(super) fn shown(&self) -> Printable<Cow<'_, str>> {
        Printable(self.full_name())
    }

    /// Its bytes. Shows the progress of downloads.
    pub(super) async fn open(&self) -> anyhow::Result<Opened> {
        let (bytes_total, bytes) = match self {
            Self::File(path) => {
                let file = tokio::fs::File::open(path).await?;
                let bytes = file.metadata().await?.len();
                let stream = ReaderStream::with_capacity(file, READ_BYTES);
                (Some(bytes), stream.boxed())
            }
            Self::Pipe(path) => {
                let path = path.clone();
                (None, pipe::read(move || fs::File::open(path)).boxed())
            }
            Self::Standard => (None, pipe::read(|| Ok(std::io::stdin())).boxed()),
            Self::Web(file) => return file.download().await,
        };
        Ok(Opened { bytes_total, bytes })
    }

    fn of(path: PathBuf, data: &Metadata) -> Self {
        if data.is_file() {
            Self::File(path)
        } else {
            Self::Pipe(path)
        }
    }
}

/// What the arguments name, in their order: all of it exists, but for files that are downloaded.
#[cfg_attr(
    not(feature = "cloud"),
    expect(clippy::unused_async, reason = "only object stores are waited for")
)]
pub(super) async fn resolve(arguments: &[PathBuf]) -> anyhow::Result<Vec<Source>> {
    let mut sources = Vec::new();
    #[cfg(feature = "cloud")]
    let mut stores = Stores::default();
    for argument in arguments {
        if argument == Path::new("-") {
            ensure!(
                !sources.contains(&Source::Standard),
                "standard input (-) is named twice"
            );
            sources.push(Source::Standard);
            continue;
        }
        let text = argument.to_string_lossy();
        if let Some(url) = download::url(&text) {
            sources.push(Source::Web(WebFile::Url(url?)));
            continue;
        }
        if let Some(url) = ObjectUrl::parse(&text) {
            let url = url?;
            #[cfg(not(feature = "cloud"))]
            return Err(not_supported(&url));
            #[cfg(feature = "cloud")]
            {
                let objects = stores.resolve(url).await?.into_iter();
                sources.extend(objects.map(|object| Source::Web(WebFile::Object(object))));
                continue;
            }
        }
        let shown = Printable(text);
        match fs::metadata(argument) {
            Ok(data) if data.is_dir() => sources.extend(folder(argument)?),
            Ok(data) => sources.push(Source::of(argument.clone(), &data)),
            // A file whose name looks like a pattern is that file.
            Err(_) if is_pattern(argument.as_os_str().as_encoded_bytes()) => {
                sources.extend(matches(argument)?);
            }
            Err(error) => return Err(error).with_context(|| format!("cannot read {shown}")),
        }
    }
    Ok(sources)
}

/// The files of a folder in natural order, without hidden ones and subfolders.
fn folder(path: &Path) -> anyhow::Result<Vec<Source>> {
    let shown = Printable(path.to_string_lossy());
    let failed = || format!("cannot read the folder {shown}");
    let mut files = Vec::new();
    for entry in fs::read_dir(path).with_context(failed)? {
        let entry = entry.with_context(failed)?;
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if !is_hidden && fs::metadata(entry.path()).is_ok_and(|data| data.is_file()) {
            files.push(entry.path());
        }
    }
    if files.is_empty() {
        bail!(
            "the folder {shown} has no files; for those of its subfolders, give '{}'",
            Printable(path.join("**/*.csv").to_string_lossy())
        );
    }
    files.sort_by(|a, b| natural_order(&a.to_string_lossy(), &b.to_string_lossy()));
    Ok(files.into_iter().map(Source::File).collect())
}

/// Whether a name may be a pattern.
fn is_pattern(name: &[u8]) -> bool {
    name.iter().any(|byte| PATTERN.contains(byte))
}

/// The files that a pattern matches, in natural order.
fn matches(pattern: &Path) -> anyhow::Result<Vec<Source>> {
    let shown = Printable(pattern.to_string_lossy());
    let Some(text) = pattern.to_str() else {
        bail!("the pattern {shown} is not UTF-8");
    };
    let found = glob_with(text, MATCHING).with_context(|| format!("not a pattern: {shown}"))?;
    let mut files = Vec::new();
    for path in found {
        let path = path.with_context(|| format!("cannot read what {shown} matches"))?;
        if fs::metadata(&path).is_ok_and(|data| data.is_file()) {
            files.push(path);
        }
    }
    ensure!(!files.is_empty(), "no file matches {shown}");
    files.sort_by(|a, b| natural_order(&a.to_string_lossy(), &b.to_string_lossy()));
    Ok(files.into_iter().map(Source::File).collect())
}

/// The order in which people count: numbers in names by their value, `day-2` before `day-10`.
fn natural_order(a: &str, b: &str) -> Ordering {
    let (mut a_rest, mut b_rest) = (a, b);
    while let (Some(a_first), Some(b_first)) = (a_rest.chars().next(), b_rest.chars().next()) {
        let order;
        if a_first.is_ascii_digit() && b_first.is_ascii_digit() {
            let (a_number, b_number) = (digits(a_rest), digits(b_rest));
            let value = |number: &str| number.trim_start_matches('0').to_owned();
            let (a_value, b_value) = (value(a_number), value(b_number));
            order = (a_value.len(), &a_value).cmp(&(b_value.len(), &b_value));
            (a_rest, b_rest) = (&a_rest[a_number.len()..], &b_rest[b_number.len()..]);
        } else {
            order = a_first.cmp(&b_first);
            a_rest = &a_rest[a_first.len_utf8()..];
            b_rest = &b_rest[b_first.len_utf8()..];
        }
        if order != Ordering::Equal {
            return order;
        }
    }
    a_rest.len().cmp(&b_rest.len()).then_with(|| a.cmp(b))
}

/// The digits with which a text begins.
fn digits(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_digit());
    &text[..end.unwrap_or(text.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_ordered_by_value() {
        let sorted = [
            "a",
            "a1.csv",
            "a01.csv",
            "a2.csv",
            "a10.csv",
            "a10b",
            "a10b2",
            "a10b11",
            "a99999999999999999999.csv",
            "a100000000000000000000.csv",
            "b",
            "é1",
            "é2",
        ];
        for (i, a) in sorted.iter().enumerate() {
            for (j, b) in sorted.iter().enumerate() {
                // Equal numbers: the texts decide.
                if [*a, *b]
                    .iter()
                    .all(|name| name.ends_with("1.csv") && name.len() < 8)
                {
                    assert_eq!(natural_order(a, b), a.cmp(b));
                } else {
                    assert_eq!(natural_order(a, b), i.cmp(&j), "{a} {b}");
                }
            }
        }
    }
}
