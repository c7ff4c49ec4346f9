//! `ingest` reads objects of S3, Google Cloud Storage and Azure Blob Storage.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::json;

use super::sources::{ingested, trip};
use crate::suite::program::{Home, Ran};
use crate::suite::support::web::{Site, response};

/// A secret that no message may contain.
const SECRET: &str = "wJalrXUtnFEMI";
/// Objects that a list has at once.
const PAGE: usize = 3;

/// The objects of a bucket by their keys.
type Objects = BTreeMap<String, String>;

fn objects(keys: &[(&str, &str)]) -> Objects {
    let objects = keys.iter().map(|&(key, text)| (key.into(), text.into()));
    objects.collect()
}

/// The value of a header of a request.
fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(": ")?;
        found.eq_ignore_ascii_case(name).then_some(value)
    })
}

/// A key as a path has it, without `+`.
fn decoded(key: &str) -> String {
    let (key, _) = form_urlencoded::parse(key.as_bytes()).next().unwrap();
    key.into_owned()
}

/// An answer that begins with what all objects have.
fn object(status: &str, etag: &str, headers: &str, text: &str) -> String {
    let length = text.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\netag: \"{etag}\"\r\n\
         last-modified: Sat, 01 May 2021 10:00:00 GMT\r\n{headers}\r\n{text}"
    )
}

/// An error as all providers write it.
fn error(status: &str, code: &str) -> String {
    let body = format!("<Error><Code>{code}</Code><Message>{SECRET}</Message></Error>");
    response(status, &body)
}

/// A list of objects, as S3 and Google write it. Its parameters are in alphabetical order.
fn list(objects: &Objects, query: &str) -> String {
    let parameters: BTreeMap<_, _> = form_urlencoded::parse(query.as_bytes()).collect();
    assert_eq!(parameters["list-type"], "2");
    let prefix = parameters.get("prefix").map_or("", |prefix| prefix);
    let after = parameters.get("continuation-token");
    let found = objects.iter().filter(|(key, _)| key.starts_with(prefix));
    let mut left = found.skip_while(|(key, _)| after.is_some_and(|after| key.as_str() <= &**after));
    let mut body = "<ListBucketResult>".to_owned();
    let mut last = None;
    for (key, text) in left.by_ref().take(PAGE) {
        let size = text.len();
        let _ = write!(
            body,
            "<Contents><Key>{key}</Key><Size>{size}</Size>\
             <LastModified>2021-05-01T10:00:00.000Z</LastModified><ETag>\"1\"</ETag></Contents>"
        );
        last = Some(key);
    }
    if let (Some(last), Some(_)) = (last, left.next()) {
        let _ = write!(
            body,
            "<NextContinuationToken>{last}</NextContinuationToken>"
        );
    }
    response("200 OK", &(body + "</ListBucketResult>"))
}

/// Names and values of variables of the environment.
type Variables<'a> = &'a [(&'a str, &'a str)];

/// Answers as S3 does, for the bucket `trips`.
fn s3(objects: &Objects, head: &str) -> String {
    let path = head.split(' ').nth(1).unwrap();
    if !head.starts_with("GET ") {
        return error("405 Method Not Allowed", "MethodNotAllowed");
    }
    match header(head, "authorization") {
        None => return error("403 Forbidden", "AccessDenied"),
        Some(signed) if signed.contains("Credential=unknown/") => {
            return error("403 Forbidden", "InvalidAccessKeyId");
        }
        Some(signed) => assert!(signed.contains("/us-east-1/s3/aws4_request"), "{signed}"),
    }
    if let Some(query) = path.strip_prefix("/trips?") {
        return list(objects, query);
    }
    let Some(key) = path.strip_prefix("/trips/") else {
        return error("404 Not Found", "NoSuchBucket");
    };
    let key = decoded(key);
    match objects.get(&key) {
        _ if key.starts_with("private/") => error("403 Forbidden", "AccessDenied"),
        _ if key.starts_with("away/") => response("301 Moved Permanently", ""),
        Some(text) => object("200 OK", "1", "", text),
        None => error("404 Not Found", "NoSuchKey"),
    }
}

/// Runs `ingest` with these variables, and none of the environment that object stores read.
fn ingest(home: &Home, variables: &[(&str, &str)], sources: &[&str]) -> Ran {
    let mut command = home.command(&[&["ingest"], sources].concat());
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let prefixes = ["AWS_", "AZURE_", "GCE_", "GOOGLE_"];
        if prefixes.iter().any(|prefix| text.starts_with(prefix)) {
            command.env_remove(name);
        }
    }
    // Files of the user's that have credentials are found from here.
    command.env("HOME", home.path(""));
    let ran = Ran::of(command.envs(variables.iter().copied()));
    assert!(!ran.stderr.contains(SECRET), "{ran:?}");
    assert!(!ran.stdout.contains(SECRET), "{ran:?}");
    ran
}

/// The variables of S3 at a site.
fn aws(endpoint: &str) -> [(&str, &str); 4] {
    [
        ("AWS_ACCESS_KEY_ID", "known"),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_ALLOW_HTTP", "true"),
    ]
}

#[test]
fn an_object_of_s3_is_downloaded() {
    let home = Home::new();
    // Without the column, the datasource is the name of the object.
    let file = trip(1)
        .replace(",datasource\n", "\n")
        .replace(",phone\n", "\n");
    let stored = objects(&[("2021/day 1.csv", &file)]);
    let site = Site::of_requests(move |head| s3(&stored, head));
    let ran = ingest(&home, &aws(&site.url("")), &["s3://trips/2021/day 1.csv"]);
    assert!(ran.succeeded(), "{ran:?}");
    assert_eq!(ingested(&home), (vec!["day 1.csv".to_owned()], 1));
    let report = home.run(&["report", "--json"]);
    assert!(report.stdout.contains("\"day 1\""), "{}", report.stdout);
    assert!(home.spooled().is_empty());
}

#[test]
fn a_folder_and_a_pattern_are_their_objects_in_natural_order() {
    let home = Home::new();
    let keys = [
        "2020/day-1.csv",
        "2021/day-10.csv",
        "2021/day-2.csv",
        "2021/may/day-3.csv",
        "2021/.hidden.csv",
        "2021/.tmp/day-4.csv",
        "20210.csv",
        "day-[5].csv",
    ];
    let mut stored = Objects::new();
    for (number, key) in (1..).zip(keys) {
        stored.insert(key.into(), trip(number));
    }
    // As tools mark folders.
    stored.insert("2021/may/".into(), String::new());
    stored.insert("2021/_SUCCESS".into(), String::new());
    let site = Site::of_requests(move |head| s3(&stored, head));
    let endpoint = site.url("");
    let variables = aws(&endpoint);
    let ran = ingest(&home, &variables, &["s3://trips/20210.csv"]);
    assert!(ran.succeeded(), "{ran:?}");
    let names = |sources: &[&str]| {
        let (before, _) = ingested(&home);
        let mut sources = sources.to_vec();
        sources.push("--allow-duplicate");
        let ran = ingest(&home, &variables, &sources);
        assert!(ran.succeeded(), "{ran:?}");
        ingested(&home).0.split_off(before.len())
    };
    assert_eq!(
        names(&["s3://trips/2021/"]),
        ["day-2.csv", "day-10.csv", "day-3.csv"]
    );
    assert_eq!(
        names(&["s3://trips/2021/*.csv", "s3://trips/2020/day-1.csv"]),
        ["day-2.csv", "day-10.csv", "day-1.csv"]
    );
    assert_eq!(
        names(&["s3://trips/**/day-?.csv"]),
        ["day-1.csv", "day-2.csv", "day-3.csv"]
    );
    assert_eq!(names(&["s3://trips/day-[5].csv"]), ["day-[5].csv"]);
    assert_eq!(names(&["S3://trips/"]).len(), 6);
    for (source, reason) in [
        (
            "s3://trips/2022/",
            "there is no object below s3://trips/2022/",
        ),
        (
            "s3://trips/2021/*.tsv",
            "no object matches s3://trips/2021/*.tsv",
        ),
        ("s3://trips/[", "not a pattern: s3://trips/["),
        ("s3://trips", "write s3://trips/"),
    ] {
        let ran = ingest(&home, &variables, &["s3://trips/2020/", source]);
        assert_eq!(ran.code, Some(1), "{source}");
        assert!(ran.stderr.contains(reason), "{source}: {}", ran.stderr);
    }
}

#[test]
fn errors_of_object_stores_say_what_to_do() {
    let home = Home::new();
    let stored = objects(&[("x.csv", "")]);
    let site = Site::of_requests(move |head| s3(&stored, head));
    // It gives no credentials either.
    let metadata = Site::new(|_| response("404 Not Found", ""));
    let (endpoint, metadata) = (site.url(""), metadata.url(""));
    let nowhere = "http://127.0.0.1:1";
    let none: Variables = &[
        ("AWS_ENDPOINT_URL", &endpoint),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_METADATA_ENDPOINT", &metadata),
    ];
    let known = aws(&endpoint);
    let unknown = [("AWS_ACCESS_KEY_ID", "unknown")];
    let cases: [(&[Variables], &str, &str); 15] = [
        (
            &[&known],
            "s3://trips/y.csv",
            "cannot read s3://trips/y.csv: there is no such object",
        ),
        (&[&known], "s3://other/y.csv", "there is no bucket other"),
        (
            &[&known],
            "s3://other/",
            "cannot list s3://other/: there is no bucket other",
        ),
        (&[&known], "s3://trips/private/y.csv", "access is denied"),
        (&[&known], "s3://trips/away/y.csv", "set AWS_REGION"),
        (&[&known], "s3://trips/a//y.csv", "empty path segment"),
        (
            &[&known, &unknown],
            "s3://trips/x.csv",
            "check AWS_ACCESS_KEY_ID",
        ),
        (
            &[&known, &unknown],
            "s3://trips/*",
            "check AWS_ACCESS_KEY_ID",
        ),
        (
            &[none],
            "s3://trips/x.csv",
            "no credentials found: set AWS_ACCESS_KEY_ID",
        ),
        (
            &[none, &[("AWS_METADATA_ENDPOINT", nowhere)]],
            "s3://trips/",
            "no credentials found",
        ),
        (
            &[none, &[("AWS_SKIP_SIGNATURE", "true")]],
            "s3://trips/x.csv",
            "access is denied",
        ),
        (
            &[&known[..3]],
            "s3://trips/x.csv",
            "set AWS_ALLOW_HTTP=true",
        ),
        (
            &[&[("AWS_SECRET_ACCESS_KEY", SECRET)]],
            "s3://trips/x.csv",
            "Missing AccessKeyId",
        ),
        (
            &[&[("AZURE_STORAGE_KEY", SECRET)]],
            "az://trips/x.csv",
            "AZURE_STORAGE_ACCOUNT_NAME",
        ),
        (
            &[&[("GOOGLE_SERVICE_ACCOUNT", "none.json")]],
            "gs://trips/x.csv",
            "none.json",
        ),
    ];
    for (variables, source, reason) in cases {
        let ran = ingest(&home, &variables.concat(), &[source]);
        assert_eq!(ran.code, Some(1), "{source}: {ran:?}");
        assert!(ran.stderr.contains(reason), "{source}: {}", ran.stderr);
        assert_eq!(ran.stderr.lines().count(), 1, "{source}: {}", ran.stderr);
    }
    // Among others, an object that cannot be read is a line of the table.
    let stored = objects(&[("x.csv", &trip(1))]);
    let site = Site::of_requests(move |head| s3(&stored, head));
    let sources = ["s3://trips/y.csv", "s3://trips/x.csv"];
    let ran = ingest(&home, &aws(&site.url("")), &sources);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let failed = "s3://trips/y.csv: cannot read s3://trips/y.csv: there is no such object";
    assert!(ran.stdout.contains(failed), "{ran:?}");
    assert_eq!(ingested(&home).1, 1);
}

/// A store whose connections break off in the middle of the object, the first `breaks` times. From the
/// second request on, the object has this version.
fn breaking(text: String, breaks: u32, version: &'static str) -> (Site, Arc<AtomicU32>) {
    let requests = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&requests);
    let site = Site::of_requests(move |head| {
        let request = counted.fetch_add(1, Ordering::Relaxed);
        let range = header(head, "range").map_or(0, |range| {
            let begin = range.strip_prefix("bytes=").unwrap();
            begin.split('-').next().unwrap().parse().unwrap()
        });
        let (status, headers) = if range == 0 {
            ("200 OK", String::new())
        } else {
            let (last, length) = (text.len() - 1, text.len());
            let headers = format!("content-range: bytes {range}-{last}/{length}\r\n");
            ("206 Partial Content", headers)
        };
        let version = if request == 0 { "1" } else { version };
        let mut answer = object(status, version, &headers, &text[range..]);
        if request < breaks {
            answer.truncate(answer.len() - (text.len() - range) / 2);
        }
        answer
    });
    (site, requests)
}

#[test]
fn a_download_that_breaks_off_is_continued() {
    let home = Home::new();
    let rows: String = (1..=2000)
        .map(|number| trip(number).split_off(trip(0).find('\n').unwrap() + 1))
        .collect();
    let text = trip(0) + &rows;
    let (site, requests) = breaking(text.clone(), 2, "1");
    let ran = ingest(&home, &aws(&site.url("")), &["s3://trips/x.csv"]);
    assert!(ran.succeeded(), "{ran:?}");
    assert_eq!(ingested(&home).1, 2001);
    assert_eq!(requests.load(Ordering::Relaxed), 3);
    assert!(
        ran.stderr.contains("connection to the object store failed"),
        "{ran:?}"
    );

    // Parts of two versions are never put together.
    let (site, _) = breaking(text, 1, "2");
    let ran = ingest(&home, &aws(&site.url("")), &["s3://trips/y.csv"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.stderr
            .contains("cannot read s3://trips/y.csv: the transfer was interrupted"),
        "{ran:?}"
    );
    assert_eq!(ingested(&home).1, 2001);
    assert!(home.spooled().is_empty());
}

#[tokio::test]
async fn objects_are_handed_to_a_running_server() {
    let home = Home::new();
    let stored = objects(&[("x.csv", &trip(1)), ("y.csv", &trip(2))]);
    let site = Site::of_requests(move |head| s3(&stored, head));
    let server = home.serve();
    let ran = ingest(&home, &aws(&site.url("")), &["s3://trips/"]);
    assert!(ran.succeeded(), "{ran:?}");
    assert_eq!(server.trips().await, 2);
}

#[test]
fn an_object_of_google_cloud_storage_is_downloaded_as_it_is_stored() {
    let home = Home::new();
    let stored = objects(&[("2021/x.csv", &trip(1)), ("2021/y.csv", &trip(2))]);
    let site = Site::of_requests(move |head| {
        let path = head.split(' ').nth(1).unwrap();
        if let Some(query) = path.strip_prefix("/trips?") {
            return list(&stored, query);
        }
        // Else Google would decompress objects that are marked as gzip.
        assert_eq!(header(head, "accept-encoding"), Some("gzip"));
        match stored.get(&decoded(path.strip_prefix("/trips/").unwrap())) {
            Some(text) => object("200 OK", "1", "", text),
            None => error("404 Not Found", "NoSuchKey"),
        }
    });
    let account = json!({
        "gcs_base_url": site.url(""),
        "disable_oauth": true,
        "client_email": "",
        "private_key": SECRET,
        "private_key_id": "",
    });
    home.write("account.json", &account.to_string());
    let variables = [
        ("GOOGLE_SERVICE_ACCOUNT", "account.json"),
        ("GOOGLE_ALLOW_HTTP", "true"),
    ];
    let ran = ingest(
        &home,
        &variables,
        &["gs://trips/2021/x.csv", "gs://trips/2021/y*"],
    );
    assert!(ran.succeeded(), "{ran:?}");
    let names = ["x.csv", "y.csv"].map(str::to_owned);
    assert_eq!(ingested(&home), (names.to_vec(), 2));
    let ran = ingest(&home, &variables, &["gs://trips/z.csv"]);
    assert!(
        ran.stderr.contains("there is no such object (NoSuchKey)"),
        "{ran:?}"
    );
}

#[test]
fn an_object_of_azure_is_downloaded() {
    let home = Home::new();
    let site = Site::of_requests(|head| {
        assert!(
            header(head, "authorization")
                .unwrap()
                .starts_with("SharedKey devstoreaccount1:")
        );
        match head.split(' ').nth(1).unwrap() {
            "/devstoreaccount1/trips/2021/x.csv" => object("200 OK", "1", "", &trip(1)),
            path if path.starts_with("/devstoreaccount1/trips?") => {
                assert!(
                    path.contains("comp=list") && path.contains("prefix=2021%2F"),
                    "{path}"
                );
                let size = trip(1).len();
                let body = format!(
                    "<EnumerationResults><Blobs><Blob><Name>2021/x.csv</Name><Properties>\
                     <Last-Modified>Sat, 01 May 2021 10:00:00 GMT</Last-Modified><Etag>1</Etag>\
                     <Content-Length>{size}</Content-Length><Content-Type>text/csv</Content-Type>\
                     </Properties></Blob></Blobs><NextMarker/></EnumerationResults>"
                );
                response("200 OK", &body)
            }
            path if path.starts_with("/devstoreaccount1/trips/") => {
                error("404 Not Found", "BlobNotFound")
            }
            _ => error("404 Not Found", "ContainerNotFound"),
        }
    });
    let url = site.url("");
    let variables = [
        ("AZURE_STORAGE_USE_EMULATOR", "true"),
        ("AZURITE_BLOB_STORAGE_URL", url.as_str()),
    ];
    let ran = ingest(&home, &variables, &["az://trips/2021/x.csv"]);
    assert!(ran.succeeded(), "{ran:?}");
    assert_eq!(ingested(&home), (vec!["x.csv".to_owned()], 1));
    let ran = ingest(&home, &variables, &["az://trips/2021/"]);
    assert!(
        ran.succeeded() && ran.stdout.contains("duplicate"),
        "{ran:?}"
    );
    for (source, reason) in [
        (
            "az://trips/2021/y.csv",
            "there is no such object (BlobNotFound)",
        ),
        ("az://other/y.csv", "there is no container other"),
    ] {
        let ran = ingest(&home, &variables, &[source]);
        assert!(ran.stderr.contains(reason), "{ran:?}");
    }
}
