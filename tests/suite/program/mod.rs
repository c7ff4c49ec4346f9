//! The real program, driven from outside, with a data directory of its own for each test.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "each test file uses a part of it"
)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::support::database::{Database, Sql, on_postgres};
use super::support::uploads;
use super::support::web::ready_for_http;

/// Nothing that is waited for may take longer.
const TIMEOUT: Duration = Duration::from_mins(1);

/// A folder with a data directory and the files of one test, and a database.
pub struct Home {
    dir: TempDir,
    pub database: Database,
}

impl Home {
    pub fn new() -> Self {
        ready_for_http();
        let dir = tempfile::tempdir().unwrap();
        let database = Database::new(&dir.path().join("data/tripgraph.db"));
        Self { dir, database }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The program in this folder, with no options but the data directory, whatever the
    /// environment of the tests is.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tripgraph"));
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("TRIPGRAPH_") || text.starts_with("OTEL_") || text == "DATABASE_URL"
            {
                command.env_remove(name);
            }
        }
        if on_postgres() {
            command
                .env("TRIPGRAPH_DATABASE_URL", self.database.url())
                // Who is killed is missed soon.
                .env("TRIPGRAPH_LEASE_SECONDS", "2");
        }
        command
            .env("TRIPGRAPH_DATA_DIR", self.path("data"))
            .current_dir(self.dir.path())
            .stdin(Stdio::null())
            .args(arguments);
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(&mut self.command(arguments))
    }

    /// Writes made-up trips to a file.
    pub fn generate(&self, name: &str, rows: u32, seed: u32) -> PathBuf {
        let (rows, seed) = (rows.to_string(), seed.to_string());
        let ran = self.run(&[
            "generate", "--rows", &rows, "--seed", &seed, "--output", name,
        ]);
        assert!(ran.succeeded(), "{ran:?}");
        self.path(name)
    }

    /// Starts a server.
    pub fn serve(&self) -> Serving {
        Serving::start(self.command(&["serve", "--listen", "127.0.0.1:0"]))
    }

    /// Starts a command that is to be interrupted.
    pub fn start(&self, arguments: &[&str]) -> Process {
        Process::start(self.command(arguments)).0
    }

    /// A connection past the program.
    pub async fn sql(&self) -> Sql {
        self.database.sql().await
    }

    /// The number that a statement answers.
    pub async fn number(&self, sql: &str) -> i64 {
        let database = self.sql().await;
        let number = database.number(sql).await;
        database.close().await;
        number
    }

    /// Waits until a statement answers something else than 0, in a database that may not be made
    /// yet.
    pub async fn until(&self, sql: &str) {
        let start = Instant::now();
        let made = if on_postgres() {
            "SELECT COUNT(*) FROM pg_views WHERE viewname = 'visible_trip'"
        } else {
            "SELECT COUNT(*) FROM sqlite_master WHERE name = 'visible_trip'"
        };
        while !self.database.exists() || self.number(made).await == 0 || self.number(sql).await == 0
        {
            assert!(start.elapsed() < TIMEOUT, "never: {sql}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Files in the spool.
    pub fn spooled(&self) -> Vec<PathBuf> {
        uploads(&self.path("data/spool"))
    }
}

/// What a command came to.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    pub fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    pub fn succeeded(&self) -> bool {
        self.code == Some(0)
    }
}

/// A program that runs; killed when this is dropped.
pub struct Process {
    child: Child,
    log: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Process {
    /// Starts it; the lines of its log are passed on, too.
    fn start(mut command: Command) -> (Self, mpsc::Receiver<String>) {
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (sender, lines) = mpsc::channel();
        let (stderr, kept) = (child.stderr.take().unwrap(), Arc::clone(&log));
        let reader = thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let mut kept = kept.lock().unwrap();
                kept.push_str(&line);
                kept.push('\n');
                // Only the start is listened to.
                let _ = sender.send(line);
            }
        });
        let running = Self {
            child,
            log,
            reader: Some(reader),
        };
        (running, lines)
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    #[cfg(unix)]
    pub fn pid(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_child(&self.child)
    }

    #[cfg(unix)]
    pub fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(self.pid(), signal).unwrap();
    }

    /// Ends it at once, as a crash or a power cut would.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end, as a service manager would.
    #[cfg(unix)]
    pub fn terminate(self) -> (ExitStatus, String) {
        self.signal(rustix::process::Signal::TERM);
        self.wait()
    }

    /// Asks it to end, as Ctrl-C would.
    #[cfg(unix)]
    pub fn interrupt(self) -> (ExitStatus, String) {
        self.signal(rustix::process::Signal::INT);
        self.wait()
    }

    pub fn wait(mut self) -> (ExitStatus, String) {
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(
                start.elapsed() < TIMEOUT,
                "it does not end:\n{}",
                self.log()
            );
            thread::sleep(Duration::from_millis(10));
        };
        self.reader.take().unwrap().join().unwrap();
        (status, self.log())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server that runs.
pub struct Serving {
    pub process: Process,
    /// Where it listens, as it logged it.
    pub address: String,
}

impl Serving {
    pub fn start(command: Command) -> Self {
        let (process, lines) = Process::start(command);
        let start = Instant::now();
        let address = loop {
            let Ok(line) = lines.recv_timeout(TIMEOUT.saturating_sub(start.elapsed())) else {
                panic!("it does not listen:\n{}", process.log());
            };
            if let Some((_, rest)) = line.split_once("GraphiQL is at http://") {
                break rest.split_once('/').unwrap().0.to_owned();
            }
        };
        Self { process, address }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The data of a query's answer, which has no errors.
    pub async fn ask(&self, query: &str, variables: Value) -> Value {
        let mut answer = self.answer(query, variables).await;
        assert_eq!(answer["errors"], Value::Null, "{query}");
        answer["data"].take()
    }

    /// A query's answer, as it is.
    pub async fn answer(&self, query: &str, variables: Value) -> Value {
        let request = reqwest::Client::new()
            .post(self.url("/graphql"))
            .json(&json!({ "query": query, "variables": variables }));
        request.send().await.unwrap().json().await.unwrap()
    }

    /// Uploads a file; the number of its ingestion.
    pub async fn upload(&self, file: &Path) -> String {
        let answer = self.try_upload(file).await;
        let id = &answer["data"]["ingestTrips"]["ingestion"]["id"];
        id.as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// Uploads a file; the answer, as it is.
    pub async fn try_upload(&self, file: &Path) -> Value {
        self.upload_as(file, &Value::Null).await
    }

    /// Uploads a file with its format; the answer, as it is.
    pub async fn upload_as(&self, file: &Path, format: &Value) -> Value {
        let query = "mutation ($file: Upload!, $format: TripFormat) { \
                     ingestTrips(file: $file, format: $format) { duplicate ingestion { id } } }";
        self.upload_with(query, file, format).await
    }

    /// Uploads a file by a mutation with the variables `file` and `format`; the answer, as it is.
    pub async fn upload_with(&self, query: &str, file: &Path, format: &Value) -> Value {
        let variables = json!({ "file": null, "format": format });
        let operations = json!({ "query": query, "variables": variables });
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let form = Form::new()
            .text("operations", operations.to_string())
            .text("map", r#"{ "0": ["variables.file"] }"#)
            .part(
                "0",
                Part::bytes(std::fs::read(file).unwrap()).file_name(name),
            );
        let request = reqwest::Client::new()
            .post(self.url("/graphql"))
            .multipart(form);
        request.send().await.unwrap().json().await.unwrap()
    }

    /// An ingestion as of now.
    pub async fn ingestion(&self, id: &str) -> Value {
        let query = "query ($id: ID!) { ingestion(id: $id) { state rowsRead rowsIngested \
                     rowsRejected startedAt finishedAt error { code message } } }";
        self.ask(query, json!({ "id": id })).await["ingestion"].take()
    }

    /// An ingestion when it has ended.
    pub async fn ended(&self, id: &str) -> Value {
        let start = Instant::now();
        loop {
            let ingestion = self.ingestion(id).await;
            if ingestion["state"] != "QUEUED" && ingestion["state"] != "RUNNING" {
                return ingestion;
            }
            assert!(start.elapsed() < TIMEOUT, "it does not end: {ingestion}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The number of trips in the answers.
    pub async fn trips(&self) -> i64 {
        let answer = self
            .ask("{ weeklyAverage { totalTrips } }", json!({}))
            .await;
        answer["weeklyAverage"]["totalTrips"].as_i64().unwrap()
    }
}
