//! TLS towards PostgreSQL.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests")]

use crate::suite::program::{Home, Ran};
use crate::suite::support::postgres::start_with_certificate;

/// Of X.509 version 1, as the extension Citus makes it when it is created.
const VERSION_1: &str = include_str!("tls/version-1.pem");
const VERSION_3: &str = include_str!("tls/version-3.pem");

fn ingest(home: &Home, url: &str) -> Ran {
    Ran::of(
        home.command(&["ingest", "--allow-duplicate", "trips.csv"])
            .env("TRIPGRAPH_DATABASE_URL", url),
    )
}

#[test]
fn a_certificate_that_can_not_be_used_is_passed_over_or_explained() {
    let Some(server) = start_with_certificate(VERSION_1) else {
        return;
    };
    let url = server.url();
    let home = Home::new();
    home.generate("trips.csv", 100, 1);
    for mode in ["", "?sslmode=prefer", "?sslmode=disable"] {
        let ran = ingest(&home, &format!("{url}{mode}"));
        assert!(ran.succeeded(), "{mode}: {ran:?}");
        let warned = ran.stderr.contains("TLS to the database failed");
        assert_eq!(warned, mode != "?sslmode=disable", "{mode}: {ran:?}");
    }
    let ran = ingest(&home, &format!("{url}?sslmode=require"));
    assert_eq!(ran.code, Some(1), "{ran:?}");
    for text in ["over TLS", "X.509 version 1", "sslmode=prefer"] {
        assert!(ran.stderr.contains(text), "{ran:?}");
    }
}

#[test]
fn a_certificate_that_can_be_used_is() {
    let Some(server) = start_with_certificate(VERSION_3) else {
        return;
    };
    let url = server.url();
    let home = Home::new();
    home.generate("trips.csv", 100, 1);
    for mode in ["", "?sslmode=require"] {
        let ran = ingest(&home, &format!("{url}{mode}"));
        assert!(ran.succeeded(), "{mode}: {ran:?}");
        assert!(!ran.stderr.contains("TLS"), "{ran:?}");
    }
    // Nobody vouches for it.
    let ran = ingest(&home, &format!("{url}?sslmode=verify-ca"));
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("over TLS"), "{ran:?}");
}
