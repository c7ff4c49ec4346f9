//! The PostgreSQL server of a run: the one that is given, or one that lives as long as the tests.

use std::fs::Permissions;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};
use uuid::Uuid;

const VARIABLE: &str = "TRIPGRAPH_TEST_DATABASE_URL";
const TIMEOUT: Duration = Duration::from_mins(1);

/// Citus makes one database at a time.
static MAKING: Mutex<()> = Mutex::new(());

/// Makes a database and tells its address.
pub fn create_database() -> String {
    let name = format!("tripgraph_test_{}", Uuid::new_v4().simple());
    let url = with_database(server(), &name);
    let made = url.clone();
    let _making = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    block_on(async move {
        let nodes = nodes().await;
        let create = format!("CREATE DATABASE {name} TEMPLATE template0");
        run(server(), &create).await;
        // Citus has its nodes in each database anew.
        for node in &nodes {
            let address = format!("{}:{}", node.host, node.port);
            let server = with_address(server(), &address);
            if node.is_worker {
                run(&server, &create).await;
            }
            run(
                &with_database(&server, &name),
                "CREATE EXTENSION IF NOT EXISTS citus",
            )
            .await;
        }
        for node in nodes {
            let call = if node.is_worker {
                "citus_add_node"
            } else {
                "citus_set_coordinator_host"
            };
            run(
                &made,
                &format!("SELECT {call}('{}', {})", node.host, node.port),
            )
            .await;
        }
    });
    url
}

/// Deletes a database that was made here.
pub fn drop_database(url: &str) {
    let name = name(url).to_owned();
    block_on(async move {
        let drop = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
        for node in nodes().await.into_iter().filter(|node| node.is_worker) {
            let address = format!("{}:{}", node.host, node.port);
            run_at_last(&with_address(server(), &address), &drop).await;
        }
        run_at_last(server(), &drop).await;
    });
}

/// Runs something that Citus may prevent, whose own processes connect to a database that is to be dropped.
async fn run_at_last(url: &str, sql: &str) {
    for _ in 0..20 {
        let mut connection = PgConnection::connect(url).await.unwrap();
        let done = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection);
        if done.await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    run(url, sql).await;
}

struct Node {
    host: String,
    port: i32,
    is_worker: bool,
}

/// The nodes of the cluster, where it is one.
async fn nodes() -> Vec<Node> {
    let mut connection = PgConnection::connect(server()).await.unwrap();
    let citus = "SELECT 1 FROM pg_extension WHERE extname = 'citus'";
    let citus = sqlx::query(citus).fetch_optional(&mut connection).await;
    if citus.unwrap().is_none() {
        return Vec::new();
    }
    let sql = "SELECT nodename, nodeport, groupid FROM pg_dist_node ORDER BY groupid";
    let rows = sqlx::query(sql).fetch_all(&mut connection).await.unwrap();
    rows.iter()
        .map(|row| Node {
            host: row.get(0),
            port: row.get(1),
            is_worker: row.get::<i32, _>(2) > 0,
        })
        .collect()
}

async fn run(url: &str, sql: &str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let done = sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(&mut connection)
        .await;
    done.unwrap_or_else(|error| panic!("{sql}: {error}"));
    connection.close().await.unwrap();
}

/// Runs something that waits, whether or not the test does so, too.
fn block_on(task: impl Future<Output = ()> + Send + 'static) {
    let thread = std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(task);
    });
    thread.join().unwrap();
}

fn name(url: &str) -> &str {
    let path = url.split('?').next().unwrap();
    path.rsplit('/').next().unwrap()
}

fn with_database(url: &str, name: &str) -> String {
    let (path, query) = url
        .split_once('?')
        .map_or((url, String::new()), |(path, query)| {
            (path, format!("?{query}"))
        });
    let server = match path.split_once("://").unwrap().1.find('/') {
        Some(_) => path.rsplit_once('/').unwrap().0,
        None => path,
    };
    format!("{server}/{name}{query}")
}

fn with_address(url: &str, address: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap();
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
    let at = if user.is_empty() { "" } else { "@" };
    format!("{scheme}://{user}{at}{address}/{path}")
}

/// The address of the server's first database.
fn server() -> &'static str {
    static GIVEN: OnceLock<Option<String>> = OnceLock::new();
    static STARTED: OnceLock<Throwaway> = OnceLock::new();
    let given = GIVEN.get_or_init(|| std::env::var(VARIABLE).ok().filter(|url| !url.is_empty()));
    match given {
        Some(url) => url,
        None => {
            &STARTED
                .get_or_init(|| match programs() {
                    Some(programs) => Throwaway::start(&programs, None),
                    None => not_run(),
                })
                .url
        }
    }
}

/// Where the programs of PostgreSQL are; the newest, where there are several.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<_> = std::env::split_paths(&path).collect();
    for parent in ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt"] {
        let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
        let mut installed: Vec<_> = entries.map(|entry| entry.path().join("bin")).collect();
        installed.sort();
        folders.extend(installed.into_iter().rev());
    }
    folders
        .into_iter()
        .find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists())
}

/// Ends the tests: without a server there are none. Where everything must be checked, that is a
/// failure.
fn not_run() -> ! {
    let ci = std::env::var_os("CI").is_some();
    // Not `eprintln`, which the test runner keeps to itself.
    let _ = writeln!(
        std::io::stderr(),
        "\nNOT RUN: the tests on PostgreSQL. Its server is not installed (on Debian: apt-get \
         install postgresql), and {VARIABLE} does not name one."
    );
    std::process::exit(i32::from(ci));
}

/// A server of its own, with TLS: its certificate and key. `None` where the programs of PostgreSQL
/// are not installed, and the tests run on a server that was given.
pub fn start_with_certificate(pem: &str) -> Option<Throwaway> {
    programs().map(|programs| Throwaway::start(&programs, Some(pem)))
}

/// A server that standbys can follow, and the programs of PostgreSQL. `None` as for
/// [`start_with_certificate`].
pub fn start_primary() -> Option<(Throwaway, PathBuf)> {
    // Others than `postgres` may not be where it is linked.
    let postgres = programs()?.join("postgres").canonicalize().unwrap();
    let programs = postgres.parent().unwrap().to_owned();
    Some((Throwaway::start(&programs, None), programs))
}

/// A server with a cluster of its own.
pub struct Throwaway {
    url: String,
    /// Ends the server when its standard input ends, which is when this process does.
    _watcher: Child,
}

impl Throwaway {
    /// The address of its first database.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Starts it.
    fn start(programs: &Path, pem: Option<&str>) -> Self {
        let dir = tempfile::tempdir().unwrap().keep();
        let user = Unprivileged::find();
        user.own(&dir);
        let data = dir.join("data");
        let initdb = programs.join("initdb");
        let help = Command::new(&initdb).arg("--help").output().unwrap().stdout;
        // A language that sorts names otherwise than by their bytes; from version 15 on.
        let language = if String::from_utf8_lossy(&help).contains("--icu-locale") {
            &["--locale-provider=icu", "--icu-locale=en"][..]
        } else {
            &[]
        };
        let made = user
            .command(&initdb)
            .args([
                "--username=postgres",
                "--auth=trust",
                "--no-sync",
                "--encoding=UTF8",
            ])
            .arg("--locale=C")
            .args(language)
            .arg("--pgdata")
            .arg(&data)
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");

        let mut tls = Vec::new();
        if let Some(pem) = pem {
            // Both in one file, which is the server's alone.
            let path = dir.join("server.pem");
            std::fs::write(&path, pem).unwrap();
            std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
            user.own(&path);
            let path = path.display();
            tls.extend(["-c".to_owned(), "ssl=on".to_owned()]);
            tls.extend(["-c".to_owned(), format!("ssl_cert_file={path}")]);
            tls.extend(["-c".to_owned(), format!("ssl_key_file={path}")]);
        }

        let port = free_port();
        let script = "\"$@\" & server=$!; cat > /dev/null; kill -INT $server; wait $server; \
                      rm -rf \"$0\"";
        let watcher = user
            .command("/bin/sh")
            .args(["-c", script])
            .arg(&dir)
            .arg(programs.join("postgres"))
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(&dir)
            .args(["-h", "127.0.0.1", "-p", &port.to_string()])
            .args(tls)
            .args(["-c", "fsync=off", "-c", "full_page_writes=off"])
            .args(["-c", "max_connections=500", "-c", "shared_buffers=256MB"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(dir.join("log")).unwrap())
            .spawn()
            .unwrap();

        let server = Self {
            url: format!("postgres://postgres@127.0.0.1:{port}/postgres"),
            _watcher: watcher,
        };
        let start = Instant::now();
        let waiting = format!("{}?sslmode=disable", server.url);
        block_on(async move {
            while PgConnection::connect(&waiting).await.is_err() {
                let log = std::fs::read_to_string(dir.join("log")).unwrap_or_default();
                assert!(
                    start.elapsed() < TIMEOUT,
                    "PostgreSQL does not start:\n{log}"
                );
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        server
    }
}

pub(super) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Who runs the server, which refuses root.
pub(super) struct Unprivileged(Option<(u32, u32)>);

impl Unprivileged {
    pub(super) fn find() -> Self {
        let id = |arguments: &[&str]| -> Option<u32> {
            let output = Command::new("id").args(arguments).output().ok()?;
            String::from_utf8(output.stdout).ok()?.trim().parse().ok()
        };
        if id(&["-u"]) != Some(0) {
            return Self(None);
        }
        let user = ["postgres", "nobody"]
            .into_iter()
            .find_map(|name| Some((id(&["-u", name])?, id(&["-g", name])?)));
        assert!(user.is_some(), "there is no user but root");
        Self(user)
    }

    pub(super) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        if let Some((user, group)) = self.0 {
            command.uid(user).gid(group);
        }
        command
    }

    pub(super) fn own(&self, path: &Path) {
        if let Some((user, group)) = self.0 {
            std::os::unix::fs::chown(path, Some(user), Some(group)).unwrap();
        }
    }
}
