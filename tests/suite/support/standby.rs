//! Hot standbys of a server, made with `pg_basebackup`, which follow it by streaming replication.

use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

#[cfg(target_os = "linux")]
use rustix::process::{Pid, Signal, kill_process};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;

use super::postgres::{Throwaway, Unprivileged, free_port};

const TIMEOUT: Duration = Duration::from_mins(1);

/// A standby; it ends when this is dropped, or the tests end.
pub struct Standby {
    dir: TempDir,
    programs: PathBuf,
    port: u16,
    settings: Vec<String>,
    /// Ends the server when its standard input ends.
    watcher: Option<Child>,
}

impl Standby {
    /// Copies a server, and follows it.
    pub async fn of(primary: &Throwaway, programs: PathBuf, settings: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let user = Unprivileged::find();
        user.own(dir.path());
        let copied = user
            .command(programs.join("pg_basebackup"))
            .args(["--write-recovery-conf", "--checkpoint=fast", "--no-sync"])
            .arg("--pgdata")
            .arg(dir.path().join("data"))
            .arg("--dbname")
            .arg(primary.url())
            .output()
            .unwrap();
        assert!(copied.status.success(), "{copied:?}");
        let mut standby = Self {
            dir,
            programs,
            port: free_port(),
            settings: settings.iter().map(|&setting| setting.to_owned()).collect(),
            watcher: None,
        };
        standby.start().await;
        standby
    }

    /// The port on which it answers.
    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Starts it where it was stopped.
    pub async fn start(&mut self) {
        let script = "\"$@\" & server=$!; cat > /dev/null; kill -INT $server; wait $server";
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.dir.path().join("log"))
            .unwrap();
        let watcher = Unprivileged::find()
            .command("/bin/sh")
            .args(["-c", script, "standby"])
            .arg(self.programs.join("postgres"))
            .arg("-D")
            .arg(self.dir.path().join("data"))
            .arg("-k")
            .arg(self.dir.path())
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string()])
            .args(["-c", "fsync=off", "-c", "shared_buffers=64MB"])
            // At least as many as the primary, or it does not start.
            .args(["-c", "max_connections=500"])
            .args(
                self.settings
                    .iter()
                    .flat_map(|setting| ["-c", setting.as_str()]),
            )
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.watcher = Some(watcher);
        let start = Instant::now();
        while PgConnection::connect(&self.url()).await.is_err() {
            let log = std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default();
            assert!(start.elapsed() < TIMEOUT, "it does not start:\n{log}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Stops it, and breaks every connection.
    pub fn stop(&mut self) {
        if let Some(mut watcher) = self.watcher.take() {
            drop(watcher.stdin.take());
            watcher.wait().unwrap();
        }
    }

    /// Runs a statement there.
    pub async fn run(&self, sql: &str) {
        let mut connection = PgConnection::connect(&self.url()).await.unwrap();
        let done = sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut connection)
            .await;
        done.unwrap_or_else(|error| panic!("{sql}: {error}"));
        connection.close().await.unwrap();
    }

    /// Sends a signal to all of its processes.
    #[cfg(target_os = "linux")]
    pub fn signal(&self, signal: Signal) {
        let Ok(pids) = std::fs::read_to_string(self.dir.path().join("data/postmaster.pid")) else {
            return;
        };
        let postmaster = pids.lines().next().unwrap();
        let children = format!("/proc/{postmaster}/task/{postmaster}/children");
        let children = std::fs::read_to_string(children).unwrap_or_default();
        for pid in [postmaster].into_iter().chain(children.split_whitespace()) {
            let pid = Pid::from_raw(pid.parse().unwrap()).unwrap();
            // A session may have ended.
            let _ = kill_process(pid, signal);
        }
    }
}

impl Drop for Standby {
    fn drop(&mut self) {
        // One that is frozen would not stop.
        #[cfg(target_os = "linux")]
        self.signal(Signal::CONT);
        self.stop();
    }
}
