//! A full disk is like a database that is away: what was acknowledged waits.
//!
//! The disk of one program is made full by a limit on the size of its files, which needs no rights:
//! the system refuses to write past it. `SQLite` then rolls back by itself, as it does where the
//! system says that the disk is full.

use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, prlimit};
use serde_json::{Value, json};

use crate::suite::program::{Home, Serving};

/// Bytes of a file while the disk is full.
const FULL: u64 = 64 << 10;
const WAITING: u32 = 10;

/// A server that survives a limit on the size of files: by default it would be killed.
fn serve(home: &Home) -> Serving {
    let command = home.command(&["serve", "--listen", "127.0.0.1:0"]);
    let mut shell = Command::new("sh");
    shell
        .args(["-c", r#"trap '' XFSZ && exec "$@""#, "sh"])
        .arg(command.get_program())
        .args(command.get_args())
        .stdin(Stdio::null());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    Serving::start(shell)
}

fn limit(server: &Serving, bytes: Option<u64>) {
    let limit = Rlimit {
        current: bytes,
        maximum: None,
    };
    prlimit(Some(server.process.pid()), Resource::Fsize, limit).unwrap();
}

fn refused_for_the_disk(answer: &Value) {
    let error = &answer["errors"][0];
    assert_eq!(error["extensions"]["code"], "UNAVAILABLE", "{answer}");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("disk is full"), "{answer}");
}

#[tokio::test]
async fn what_was_acknowledged_goes_on_when_there_is_space_again() {
    let home = Home::new();
    let earlier = home.generate("earlier.csv", 500, 1);
    let long = home.generate("long.csv", 100_000, 2);
    let server = serve(&home);
    let earlier = server.upload(&earlier).await;
    assert_eq!(server.ended(&earlier).await["state"], "SUCCEEDED");

    let mut files = vec![(server.upload(&long).await, 100_000)];
    for number in 0..WAITING {
        let file = home.generate(&format!("short-{number}.csv"), 400, 10 + number);
        files.push((server.upload(&file).await, 400));
    }
    let (small, large) = (
        home.generate("small.csv", 300, 90),
        home.generate("large.csv", 2_000, 91),
    );
    loop {
        let running = server.ingestion(&files[0].0).await;
        assert!(running["state"] == "QUEUED" || running["state"] == "RUNNING");
        if running["rowsRead"].as_i64() > Some(0) {
            break;
        }
    }

    limit(&server, Some(FULL));
    for _ in 0..3 {
        // Into the spool, but not into the queue; not even into the spool.
        refused_for_the_disk(&server.try_upload(&small).await);
        refused_for_the_disk(&server.try_upload(&large).await);
        let remove = "mutation ($id: ID!) { removeIngestion(id: $id) { state } }";
        refused_for_the_disk(&server.answer(remove, json!({ "id": earlier })).await);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    for (id, _) in &files {
        let state = server.ingestion(id).await["state"].take();
        assert!(state == "QUEUED" || state == "RUNNING", "{id}: {state}");
    }
    assert_eq!(server.trips().await, 500);

    limit(&server, None);
    // What was refused hurts nobody: neither the next nor those that wait.
    files.push((server.upload(&small).await, 300));
    let mut trips = 500;
    for (id, rows) in files {
        let ended = server.ended(&id).await;
        assert_eq!(ended["state"], "SUCCEEDED", "{id}: {ended}");
        assert_eq!(ended["rowsIngested"], rows, "{id}");
        trips += rows;
    }
    assert_eq!(server.trips().await, trips);
    assert_eq!(home.spooled(), Vec::<std::path::PathBuf>::new());
    let verified = home.run(&["verify"]);
    assert!(verified.succeeded(), "{verified:?}");
}
