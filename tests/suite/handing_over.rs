//! `ingest` beside a running server, on this machine or elsewhere: the server does the work.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::program;
use super::support::database::on_postgres;

use std::io::Write;
use std::process::Stdio;

use program::{Home, Serving};

const HEADER: &str = "region,origin_coord,destination_coord,datetime,datasource\n";
const TRIP: &str = "Lyon,POINT (4.83 45.76),POINT (4.86 45.74),2021-03-01 08:00:00,phone\n";
const SECRET: &str = "0123456789abcdef0123";

fn server(home: &Home, options: &[&str]) -> Serving {
    let listen = ["serve", "--listen", "127.0.0.1:0"];
    Serving::start(home.command(&[&listen, options].concat()))
}

#[tokio::test]
async fn files_are_uploaded_and_followed_to_their_end() {
    let (home, client) = (Home::new(), Home::new());
    let server = home.serve();
    let url = server.url("");
    client.write("good.csv", &format!("{HEADER}{TRIP}bad\n"));
    client.write("bad.csv", "region,datetime\nLyon,2021\n");
    let ran = client.run(&["ingest", "--server", &url, "good.csv"]);
    assert!(ran.succeeded(), "{ran:?}");
    assert!(ran.stdout.contains("good.csv: 1 trips in "), "{ran:?}");
    assert!(
        ran.stdout.contains("1 rows rejected; ingestion 1"),
        "{ran:?}"
    );
    assert!(ran.stdout.contains("  line 3"), "{ran:?}");
    let ran = client.run(&["ingest", "--server", &url, "good.csv", "bad.csv"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.stdout.contains("good.csv: duplicate of ingestion 1"),
        "{ran:?}"
    );
    assert!(
        ran.stdout.contains("(MISSING_COLUMNS); ingestion 2"),
        "{ran:?}"
    );
    let limited = ["--allow-duplicate", "--max-rejected-rows", "0"];
    let ran = client.run(&[&["ingest", "--server", &url, "good.csv"][..], &limited].concat());
    assert!(ran.stdout.contains("TOO_MANY_REJECTED_ROWS"), "{ran:?}");
    assert_eq!(server.trips().await, 1);
    // No database was made for the client.
    assert!(!client.path("data").exists());

    let mut ingest = client
        .command(&["ingest", "--server", &url, "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let input = format!("{HEADER}{TRIP}{TRIP}");
    let written = ingest.stdin.take().unwrap().write_all(input.as_bytes());
    written.unwrap();
    let output = ingest.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(server.trips().await, 3);
}

#[tokio::test]
async fn a_server_that_refuses_says_why() {
    let (home, client) = (Home::new(), Home::new());
    let (read, write) = (format!("ann:read:{SECRET}"), format!("bob:write:w{SECRET}"));
    let server = server(
        &home,
        &[
            "--token",
            &read,
            "--token",
            &write,
            "--max-upload-bytes",
            "200",
        ],
    );
    let url = server.url("/graphql");
    client.write("trips.csv", &format!("{HEADER}{TRIP}"));
    client.write("large.csv", &format!("{HEADER}{}", TRIP.repeat(3)));
    let ingest = |options: &[&str], file: &str| {
        client.run(&[&["ingest", "--server", &url, file], options].concat())
    };
    let secret = format!("w{SECRET}");
    for (options, file, reason) in [
        (&[][..], "trips.csv", "token"),
        (&["--token", "wrong"], "trips.csv", "the token is unknown"),
        (&["--token", SECRET], "trips.csv", "write"),
        (&["--token", &secret], "large.csv", "200 bytes"),
    ] {
        let ran = ingest(options, file);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.stderr.contains(reason), "{reason}: {ran:?}");
        assert!(!ran.stderr.contains(SECRET), "{ran:?}");
    }
    let ran = ingest(&["--token", &secret], "trips.csv");
    assert!(ran.succeeded(), "{ran:?}");
    drop(server);
    let ran = ingest(&["--token", &secret], "trips.csv");
    assert!(
        ran.stderr.contains("no answer from http://127.0.0.1"),
        "{ran:?}"
    );
    for url in ["trips.example", "ftp://trips.example"] {
        let ran = client.run(&["ingest", "--server", url, "trips.csv"]);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.stderr.contains("--server"), "{ran:?}");
    }
}

/// On PostgreSQL the queue is in the database, and `ingest` needs no server to put files into it.
#[tokio::test]
async fn a_server_with_the_same_data_directory_is_found() {
    let home = Home::new();
    home.write("trips.csv", &format!("{HEADER}{TRIP}"));
    home.write("more.csv", &format!("{HEADER}{TRIP}{TRIP}"));
    let note = home.path("data/tripgraph.db.server");
    let server_with_token = server(&home, &["--token", &format!("ann:write:{SECRET}")]);
    let ran = home.run(&["ingest", "trips.csv"]);
    assert!(ran.succeeded(), "{ran:?}");
    assert!(ran.stdout.contains("trips.csv: 1 trips in "), "{ran:?}");
    if !on_postgres() {
        let told = format!("the server at http://{}", server_with_token.address);
        assert!(ran.stderr.contains(&told), "{ran:?}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&note).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
    // A note that is left of a killed server misleads nobody.
    server_with_token.process.kill();
    let ran = home.run(&["ingest", "--allow-duplicate", "trips.csv"]);
    assert!(ran.succeeded(), "{ran:?}");
    let open = home.serve();
    let ran = home.run(&["ingest", "trips.csv", "more.csv"]);
    assert!(ran.succeeded(), "{ran:?}");
    assert!(
        ran.stdout.contains("trips.csv: duplicate of ingestion "),
        "{ran:?}"
    );
    assert_eq!(open.trips().await, 4);
    assert_eq!(note.exists(), !on_postgres());
    #[cfg(unix)]
    {
        let (status, log) = open.process.terminate();
        assert!(status.success(), "{log}");
        assert!(!note.exists());
    }
}

/// Locations go with each file, as they do into a database.
#[tokio::test]
async fn locations_are_handed_over_with_the_files() {
    let (home, client) = (Home::new(), Home::new());
    let server = server(&home, &["--token", &format!("ann:write:{SECRET}")]);
    let url = server.url("");
    let header = "start_station_id,end_station_id,started_at\n";
    let trips = |day: u32| format!("{header}a,b,2021-03-0{day} 08:00\nb,a,2021-03-0{day} 09:00\n");
    for at in [&home, &client] {
        at.write("one.csv", &trips(1));
        at.write("two.csv", &format!("{}b,c,2021-03-02 10:00\n", trips(2)));
        at.write("three.csv", &trips(3));
        at.write("stations.csv", "id;lon;lat\na;4,83;45,76\nb;4,86;45,74\n");
    }
    let files = ["one.csv", "two.csv", "--locations", "stations.csv"];
    let remote = ["ingest", "--server", &url, "--token", SECRET];
    let ran = client.run(&[&remote, &files[..]].concat());
    assert!(ran.succeeded(), "{ran:?}");
    assert!(
        ran.stdout
            .contains("end_station_id: no location has the id c"),
        "{ran:?}"
    );
    for trips in ["one.csv: 2 trips in ", "two.csv: 2 trips in "] {
        assert!(ran.stdout.contains(trips), "{ran:?}");
    }
    // The server at the same database.
    let ran = home.run(&["ingest", "three.csv", "--locations", "stations.csv"]);
    assert!(ran.succeeded(), "{ran:?}");
    assert!(ran.stdout.contains("three.csv: 2 trips in "), "{ran:?}");
    let sql = "SELECT COUNT(*) FROM visible_trip WHERE origin_lon = 4.83 AND origin_lat = 45.76 \
               AND destination_lon = 4.86 AND destination_lat = 45.74";
    home.until(&format!("SELECT CASE WHEN ({sql}) = 3 THEN 1 ELSE 0 END"))
        .await;
}
