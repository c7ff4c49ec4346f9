//! One program works on a database, whatever it calls the file.

use std::os::unix::fs::symlink;
use std::path::Path;

use crate::suite::program::{Home, Ran};

/// Another server, by a database's URL or its data directory.
fn second(home: &Home, option: &str, value: &str) -> Ran {
    home.run(&["serve", "--listen", "127.0.0.1:0", option, value])
}

fn refused(ran: &Ran, name: &str) {
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let message = "another tripgraph uses the database";
    assert!(ran.stderr.contains(message), "{ran:?}");
    assert!(ran.stderr.contains(name), "{ran:?}");
}

#[tokio::test]
async fn a_link_to_the_database_does_not_get_past_its_lock() {
    let home = Home::new();
    let server = home.serve();
    let database = home.path("data/tripgraph.db");
    symlink(&database, home.path("symbolic.db")).unwrap();
    symlink("symbolic.db", home.path("twice.db")).unwrap();
    symlink("data", home.path("folder")).unwrap();
    std::fs::hard_link(&database, home.path("hard.db")).unwrap();
    for name in [
        "symbolic.db",
        "twice.db",
        "hard.db",
        "data/../data/tripgraph.db",
    ] {
        refused(
            &second(&home, "--database-url", &format!("sqlite://{name}")),
            name,
        );
    }
    for name in ["folder", "data/."] {
        refused(&second(&home, "--data-dir", name), name);
    }
    // The first has lost nothing.
    let file = home.generate("trips.csv", 300, 1);
    let ingestion = server.upload(&file).await;
    assert_eq!(server.ended(&ingestion).await["state"], "SUCCEEDED");
    assert!(server.process.terminate().0.success());

    // By another name it can be read, and used when it is free.
    let verified = home.run(&["verify", "--database-url", "sqlite://twice.db"]);
    assert!(verified.succeeded(), "{verified:?}");
    let url = ["--database-url", "sqlite://symbolic.db"];
    let again = home.run(&["ingest", "trips.csv", url[0], url[1]]);
    assert!(again.stdout.contains("duplicate of ingestion"), "{again:?}");
    assert!(!Path::new(&home.path("symbolic.db-wal")).exists());
}
