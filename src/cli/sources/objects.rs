//! Objects of S3, Google Cloud Storage and Azure Blob Storage: they are found, and downloaded.

mod connector;
mod errors;

use std::collections::HashMap;
use std::env;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow, ensure};
use futures::{StreamExt, TryStreamExt};
use glob::Pattern;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::path::Path;
use object_store::{GetOptions, ObjectMeta, ObjectStore, RetryConfig};

use self::connector::{Connector, StoredBytes};
use self::errors::reason;
use super::download::Opened;
use super::object_url::{ObjectUrl, Provider};
use super::{MATCHING, is_pattern, natural_order};
use crate::text::Printable;

/// Attempts to continue after a broken connection or an error of the store, per object. The default
/// time limit of three minutes would leave a long download without any.
const ATTEMPTS: usize = 10;
const ATTEMPTS_WITHIN: Duration = Duration::from_hours(24);

/// An object.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Object {
    store: Arc<dyn ObjectStore>,
    path: Path,
    url: ObjectUrl,
}

impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        self.url == other.url
    }
}

impl Eq for Object {}

impl Object {
    pub(super) fn url(&self) -> &ObjectUrl {
        &self.url
    }

    /// The end of its key.
    pub(super) fn name(&self) -> &str {
        self.path.filename().unwrap_or(&self.url.bucket)
    }

    /// Requests it. A download that breaks off is continued where it broke off, unless the object has
    /// changed since.
    pub(super) async fn download(&self) -> anyhow::Result<Opened> {
        let mut options = GetOptions::default();
        if self.url.provider == Provider::Google {
            options.extensions.insert(StoredBytes);
        }
        let got = self.store.get_opts(&self.path, options).await;
        let got = got.map_err(|error| anyhow!(reason(&error, &self.url)))?;
        let (bytes_total, url) = (got.meta.size, self.url.clone());
        let bytes = got.into_stream();
        let bytes = bytes.map_err(move |error| io::Error::other(reason(&error, &url)));
        Ok(Opened {
            bytes_total: Some(bytes_total),
            bytes: bytes.boxed(),
        })
    }
}

/// The stores in use, one for each bucket. Settings come from the environment.
#[derive(Debug, Default)]
pub(super) struct Stores(HashMap<(Provider, String), Arc<dyn ObjectStore>>);

impl Stores {
    /// The objects that an address names: one, or in natural order those below it or that its
    /// pattern matches.
    pub(super) async fn resolve(&mut self, url: ObjectUrl) -> anyhow::Result<Vec<Object>> {
        let shown = Printable(url.to_string());
        let store = self
            .store(&url)
            .with_context(|| format!("cannot read {shown}"))?;
        let is_folder = url.key.is_empty() || url.key.ends_with('/');
        if !is_folder && !is_pattern(url.key.as_bytes()) {
            let path = Path::parse(&url.key).with_context(|| format!("cannot read {shown}"))?;
            return Ok(vec![Object { store, path, url }]);
        }
        let (below, matches) = if is_folder {
            (url.key.as_str(), None)
        } else {
            let pattern = Pattern::new(&url.key);
            let pattern = pattern.with_context(|| format!("not a pattern: {shown}"))?;
            (folder_of(&url.key), Some(pattern))
        };
        let prefix = Path::parse(below).with_context(|| format!("cannot list {shown}"))?;
        let listed: Result<Vec<ObjectMeta>, _> = store.list(Some(&prefix)).try_collect().await;
        let listed = listed.map_err(|error| {
            anyhow!(reason(&error, &url)).context(format!("cannot list {shown}"))
        })?;
        // Tools mark folders with objects that have no bytes.
        let objects = listed.into_iter().filter(|object| object.size > 0);
        let mut paths: Vec<Path> = objects.map(|object| object.location).collect();
        if let Some(pattern) = matches {
            // An object whose key looks like a pattern is that object.
            if paths.iter().any(|path| path.as_ref() == url.key) {
                paths.retain(|path| path.as_ref() == url.key);
            }
            let is_match = |key: &str| key == url.key || pattern.matches_with(key, MATCHING);
            paths.retain(|path| is_match(path.as_ref()));
            ensure!(!paths.is_empty(), "no object matches {shown}");
        } else {
            paths.retain(|path| !is_hidden(&path.as_ref()[below.len()..]));
            ensure!(!paths.is_empty(), "there is no object below {shown}");
        }
        paths.sort_by(|a, b| natural_order(a.as_ref(), b.as_ref()));
        let objects = paths.into_iter().map(|path| Object {
            store: Arc::clone(&store),
            url: ObjectUrl {
                key: path.as_ref().to_owned(),
                ..url.clone()
            },
            path,
        });
        Ok(objects.collect())
    }

    fn store(&mut self, url: &ObjectUrl) -> anyhow::Result<Arc<dyn ObjectStore>> {
        let key = (url.provider, url.bucket.clone());
        if let Some(store) = self.0.get(&key) {
            return Ok(Arc::clone(store));
        }
        let store = open(url).map_err(|error| anyhow!(reason(&error, url)))?;
        self.0.insert(key, Arc::clone(&store));
        Ok(store)
    }
}

/// The part of a pattern that is a folder for certain, with `/` at its end.
fn folder_of(pattern: &str) -> &str {
    let special = pattern.bytes().position(|byte| is_pattern(&[byte]));
    let plain = &pattern[..special.unwrap_or(pattern.len())];
    &plain[..plain.rfind('/').map_or(0, |slash| slash + 1)]
}

/// Whether a key, or a folder in it, is hidden.
fn is_hidden(key: &str) -> bool {
    key.split('/').any(|part| part.starts_with('.'))
}

/// The store of a bucket, with the settings that the environment has for its provider.
fn open(url: &ObjectUrl) -> object_store::Result<Arc<dyn ObjectStore>> {
    let retry = RetryConfig {
        max_retries: ATTEMPTS,
        retry_timeout: ATTEMPTS_WITHIN,
        ..RetryConfig::default()
    };
    Ok(match url.provider {
        Provider::S3 => {
            let builder = AmazonS3Builder::from_env().with_bucket_name(&url.bucket);
            let metadata = builder.get_config_value(&AmazonS3ConfigKey::MetadataEndpoint);
            let builder = builder.with_http_connector(Connector::new(metadata)?);
            Arc::new(builder.with_retry(retry).build()?)
        }
        Provider::Google => {
            let builder = GoogleCloudStorageBuilder::from_env().with_bucket_name(&url.bucket);
            let metadata = env::var("GCE_METADATA_HOST").ok();
            let metadata = metadata.map(|host| format!("http://{host}"));
            let builder = builder.with_http_connector(Connector::new(metadata)?);
            Arc::new(builder.with_retry(retry).build()?)
        }
        Provider::Azure => {
            let mut builder = MicrosoftAzureBuilder::from_env().with_container_name(&url.bucket);
            // The names that Azure's own command line has for them.
            for (key, name) in [
                (AzureConfigKey::AccountName, "AZURE_STORAGE_ACCOUNT"),
                (AzureConfigKey::AccessKey, "AZURE_STORAGE_KEY"),
            ] {
                if let (None, Ok(value)) = (builder.get_config_value(&key), env::var(name)) {
                    builder = builder.with_config(key, value);
                }
            }
            let metadata = builder.get_config_value(&AzureConfigKey::MsiEndpoint);
            let builder = builder.with_http_connector(Connector::new(metadata)?);
            Arc::new(builder.with_retry(retry).build()?)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_have_a_folder() {
        for (pattern, folder) in [
            ("2021/05/*.csv", "2021/05/"),
            ("2021/0[56]/a.csv", "2021/"),
            ("trips-?.csv", ""),
            ("**/x/*.csv", ""),
        ] {
            assert_eq!(folder_of(pattern), folder);
        }
        assert!(is_hidden("2021/.tmp/x.csv") && is_hidden(".x"));
        assert!(!is_hidden("2021/x.y.csv"));
    }
}
