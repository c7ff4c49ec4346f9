//! The addresses of objects: `s3://bucket/key`, `gs://…`, `az://…`.

use std::fmt;

use anyhow::ensure;

/// A service that stores objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Provider {
    /// Amazon S3, and what speaks its protocol.
    S3,
    /// Google Cloud Storage.
    Google,
    /// Azure Blob Storage.
    Azure,
}

impl Provider {
    const ALL: [Self; 3] = [Self::S3, Self::Google, Self::Azure];

    /// The scheme of its addresses.
    pub(super) const fn scheme(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Google => "gs",
            Self::Azure => "az",
        }
    }

    /// Its word for what contains objects.
    pub(super) const fn bucket(self) -> &'static str {
        match self {
            Self::S3 | Self::Google => "bucket",
            Self::Azure => "container",
        }
    }
}

/// The address of an object, or of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ObjectUrl {
    pub(super) provider: Provider,
    pub(super) bucket: String,
    /// The object's key as the store has it: nothing is decoded. It ends with `/`, or is empty, for
    /// all objects below; it may be a pattern.
    pub(super) key: String,
}

impl ObjectUrl {
    /// Reads an argument, if it begins like such an address.
    pub(super) fn parse(argument: &str) -> Option<anyhow::Result<Self>> {
        let (scheme, rest) = argument.split_once("://")?;
        let provider = Provider::ALL
            .into_iter()
            .find(|provider| scheme.eq_ignore_ascii_case(provider.scheme()))?;
        Some(Self::of(provider, rest))
    }

    fn of(provider: Provider, rest: &str) -> anyhow::Result<Self> {
        let (scheme, word) = (provider.scheme(), provider.bucket());
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        ensure!(
            !bucket.is_empty(),
            "{scheme}://{rest} names no {word}: write {scheme}://{word}/key"
        );
        ensure!(
            rest.contains('/'),
            "{scheme}://{bucket} names a {word} and no object: for all its objects, write \
             {scheme}://{bucket}/"
        );
        Ok(Self {
            provider,
            bucket: bucket.to_owned(),
            key: key.to_owned(),
        })
    }
}

impl fmt::Display for ObjectUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            provider,
            bucket,
            key,
        } = self;
        write!(f, "{}://{bucket}/{key}", provider.scheme())
    }
}

/// What is missing in a build without the cargo feature `cloud`, and what to do.
#[cfg(any(test, not(feature = "cloud")))]
pub(super) fn not_supported(url: &ObjectUrl) -> anyhow::Error {
    anyhow::anyhow!(
        "cannot read {}: this program was built without the cargo feature `cloud`. Build it with \
         `cargo build --release --features cloud`, or use a published binary, image or wheel",
        crate::text::Printable(url.to_string())
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_names_of_files() {
        for (argument, provider, bucket, key) in [
            (
                "s3://trips/a b%20c.csv",
                Provider::S3,
                "trips",
                "a b%20c.csv",
            ),
            ("GS://trips/2021/", Provider::Google, "trips", "2021/"),
            ("az://trips/", Provider::Azure, "trips", ""),
            ("s3://trips//x", Provider::S3, "trips", "/x"),
        ] {
            let url = ObjectUrl::parse(argument).unwrap().unwrap();
            let expected = ObjectUrl {
                provider,
                bucket: bucket.to_owned(),
                key: key.to_owned(),
            };
            assert_eq!(url, expected);
            assert!(url.to_string().eq_ignore_ascii_case(argument));
        }
        for argument in [
            "trips.csv",
            "s3:/trips/x.csv",
            "http://a.example/s3://x",
            "s3",
        ] {
            assert!(ObjectUrl::parse(argument).is_none(), "{argument}");
        }
        for (argument, reason) in [
            ("s3://", "names no bucket"),
            (
                "az:///x.csv",
                "names no container: write az://container/key",
            ),
            ("gs://trips", "for all its objects, write gs://trips/"),
        ] {
            let error = ObjectUrl::parse(argument).unwrap().unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn a_build_without_the_feature_says_what_to_do() {
        let url = ObjectUrl::parse("s3://trips/2021.csv").unwrap().unwrap();
        let error = not_supported(&url).to_string();
        for words in [
            "s3://trips/2021.csv",
            "--features cloud",
            "published binary",
        ] {
            assert!(error.contains(words), "{error}");
        }
    }
}
