//! Why an object could not be read, as a sentence. What the crate says itself has whole responses, and
//! addresses, in it.

use std::error::Error as StdError;

use object_store::Error;
use object_store::client::{HttpError, HttpErrorKind};

use super::connector::{NoCredentials, NotEncrypted};
use crate::cli::sources::object_url::{ObjectUrl, Provider};
use crate::text::causes;

/// Why the store did not give an object, or a list of objects.
pub(super) fn reason(error: &Error, url: &ObjectUrl) -> String {
    let (provider, bucket) = (url.provider, &url.bucket);
    if find::<NoCredentials>(error).is_some() {
        return no_credentials(provider).to_owned();
    }
    if find::<NotEncrypted>(error).is_some() {
        return format!(
            "the address of the store does not begin with https://: if that is intended, set \
             {}_ALLOW_HTTP=true",
            variables(provider)
        );
    }
    let text = error.to_string();
    if text.contains("without LOCATION") {
        return region().to_owned();
    }
    if text.contains("Content-Length Header missing") {
        return "the store does not say the size of the object".to_owned();
    }
    if text.contains("Account must be specified") {
        return "no storage account is named: set AZURE_STORAGE_ACCOUNT_NAME".to_owned();
    }
    let answer = Answer::of(&text);
    let code = answer.code.unwrap_or_default();
    let known = match code {
        "NoSuchBucket" | "ContainerNotFound" => {
            return format!("there is no {} {bucket}", provider.bucket());
        }
        "InvalidAccessKeyId" => "the store does not know the access key: check AWS_ACCESS_KEY_ID",
        "SignatureDoesNotMatch" => "the secret key is wrong: check AWS_SECRET_ACCESS_KEY",
        "ExpiredToken" => "the credentials have expired",
        "RequestTimeTooSkewed" => "the clock of this machine is wrong",
        "AuthorizationHeaderMalformed" | "PermanentRedirect" => region(),
        "AuthenticationFailed" => not_accepted(),
        _ => match error {
            Error::NotFound { .. } => "there is no such object",
            Error::PermissionDenied { .. } => denied(),
            Error::Unauthenticated { .. } => not_accepted(),
            _ => match answer.status {
                Some(status) if status.starts_with("401") => not_accepted(),
                Some(status) if status.starts_with("403") => denied(),
                _ => "",
            },
        },
    };
    if !known.is_empty() {
        return if code.is_empty() {
            known.to_owned()
        } else {
            format!("{known} ({code})")
        };
    }
    let host = answer.host.unwrap_or("the store");
    if let Some(error) = find::<HttpError>(error) {
        let cause = causes(error.source().unwrap_or(error));
        return match error.kind() {
            HttpErrorKind::Connect | HttpErrorKind::Timeout => {
                format!("no answer from {host}: {cause}")
            }
            _ => format!("the connection to {host} failed: {cause}"),
        };
    }
    match (answer.status, answer.code) {
        (Some(status), Some(code)) => format!("{host} answers {status} ({code})"),
        (Some(status), None) => format!("{host} answers {status}"),
        (None, Some(code)) => format!("{host} answers {code}"),
        // A setting is at fault.
        (None, None) => error.source().unwrap_or(error).to_string(),
    }
}

fn region() -> &'static str {
    "the bucket is in another region: set AWS_REGION to it"
}

fn denied() -> &'static str {
    "access is denied: the credentials must allow reading the object and, for a folder or pattern, \
     listing the objects"
}

fn not_accepted() -> &'static str {
    "the store does not accept the credentials"
}

/// How the names of a provider's variables begin.
fn variables(provider: Provider) -> &'static str {
    match provider {
        Provider::S3 => "AWS",
        Provider::Google => "GOOGLE",
        Provider::Azure => "AZURE",
    }
}

fn no_credentials(provider: Provider) -> &'static str {
    match provider {
        Provider::S3 => {
            "no credentials found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or \
             AWS_SKIP_SIGNATURE=true for a public bucket. Profiles are not read: `eval \"$(aws \
             configure export-credentials --format env)\"` puts one into the environment"
        }
        Provider::Google => {
            "no credentials found: set GOOGLE_APPLICATION_CREDENTIALS to the file of a service \
             account, or GOOGLE_SKIP_SIGNATURE=true for a public bucket"
        }
        Provider::Azure => {
            "no credentials found: set AZURE_STORAGE_ACCOUNT_KEY or AZURE_STORAGE_SAS_TOKEN, or \
             AZURE_SKIP_SIGNATURE=true for a public container"
        }
    }
}

/// An error among the causes of another.
fn find<E: StdError + 'static>(error: &Error) -> Option<&E> {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}

/// What an error of the crate says about a response. Its type cannot be named.
#[derive(Debug, Default, PartialEq, Eq)]
struct Answer<'a> {
    host: Option<&'a str>,
    status: Option<&'a str>,
    /// The code in the XML of all three providers.
    code: Option<&'a str>,
}

impl<'a> Answer<'a> {
    fn of(text: &'a str) -> Self {
        let after = |begin: &str| Some(text.split_once(begin)?.1);
        let plain = |c: char| c.is_ascii_alphanumeric();
        let host = after("Error performing ").and_then(|rest| {
            let uri = rest.split(' ').nth(1)?;
            uri.split_once("://")?.1.split('/').next()
        });
        let status = after("status code: ").and_then(|rest| rest.split(':').next());
        let code = after("<Code>").and_then(|rest| Some(rest.split_once("</Code>")?.0));
        Self {
            host,
            status: status.map(str::trim).filter(|status| status.len() < 50),
            code: code.filter(|code| !code.is_empty() && code.chars().all(plain)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> ObjectUrl {
        ObjectUrl::parse(text).unwrap().unwrap()
    }

    #[test]
    fn responses_are_told_without_their_secrets() {
        let said = "Generic S3 error: Error performing GET https://s3.example/trips/x?y=SECRET in \
                    3ms, after 10 retries, max_retries: 10, retry_timeout: 180s  - Server returned \
                    non-2xx status code: 503 Service Unavailable: <Error><Code>SlowDown</Code>\
                    <Message>SECRET</Message></Error>";
        let expected = Answer {
            host: Some("s3.example"),
            status: Some("503 Service Unavailable"),
            code: Some("SlowDown"),
        };
        assert_eq!(Answer::of(said), expected);
        let error = Error::Generic {
            store: "S3",
            source: said.into(),
        };
        assert_eq!(
            reason(&error, &url("s3://trips/x")),
            "s3.example answers 503 Service Unavailable (SlowDown)"
        );
        assert_eq!(
            Answer::of("Error performing GET REDACTED in 3ms - x"),
            Answer::default()
        );
    }

    #[test]
    fn settings_that_are_missing_are_named() {
        let error = object_store::azure::MicrosoftAzureBuilder::new()
            .with_container_name("trips")
            .with_http_connector(super::super::Connector::new(None).unwrap())
            .build()
            .unwrap_err();
        let reason = reason(&error, &url("az://trips/x"));
        assert!(reason.contains("AZURE_STORAGE_ACCOUNT_NAME"), "{reason}");
    }
}
