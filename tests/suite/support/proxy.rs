//! A way to the database that can be cut.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// Passes bytes on between clients and a server.
pub struct Proxy {
    url: String,
    port: u16,
    server: String,
    running: Option<JoinHandle<()>>,
    commits: Commits,
}

impl Proxy {
    /// A way to the database at an address.
    pub async fn to(url: &str) -> Self {
        let (scheme, rest) = url.split_once("://").unwrap();
        let (authority, path) = rest.split_once('/').unwrap();
        let (user, server) = authority.rsplit_once('@').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut proxy = Self {
            url: format!("{scheme}://{user}@127.0.0.1:{port}/{path}"),
            port,
            server: server.to_owned(),
            running: None,
            commits: Commits::default(),
        };
        proxy.run(listener);
        proxy
    }

    /// The address of the database by this way.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Breaks every connection, and lets none be made.
    pub async fn cut(&mut self) {
        if let Some(running) = self.running.take() {
            running.abort();
            let _ = running.await;
        }
    }

    /// Breaks every connection, and hangs up on those that are made, as before a server that is
    /// not up.
    pub async fn hang_up(&mut self) {
        self.cut().await;
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.unwrap();
        self.running = Some(tokio::spawn(async move {
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                // Who is heard out sees an end, and no broken connection.
                let _ = client.read(&mut [0; 64]).await;
            }
        }));
    }

    /// Lets connections be made again.
    pub async fn mend(&mut self) {
        self.cut().await;
        self.commits = Commits::default();
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.unwrap();
        self.run(listener);
    }

    /// Breaks the connection of the next transaction in which the text occurs, after its `COMMIT`
    /// was carried out and before the answer is passed on. If the database is to stay away after
    /// that, all connections break, and nobody gets a new one until it is mended.
    pub fn lose_commit(&self, text: &str, stays_away: bool) {
        let trap = Trap {
            text: text.as_bytes().to_vec(),
            stays_away,
        };
        let before = self.commits.trap.lock().unwrap().replace(trap);
        assert!(before.is_none(), "a commit is to be lost already");
    }

    /// Whether the answer that was to be lost is lost.
    pub fn has_lost(&self) -> bool {
        self.commits.trap.lock().unwrap().is_none()
    }

    fn run(&mut self, listener: TcpListener) {
        let server = self.server.clone();
        let commits = self.commits.clone();
        self.running = Some(tokio::spawn(async move {
            // They end with this task.
            let mut connections = JoinSet::new();
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let (server, commits) = (server.clone(), commits.clone());
                connections.spawn(async move {
                    if *commits.away.borrow() {
                        return;
                    }
                    let server = TcpStream::connect(server).await.unwrap();
                    let _ = pass(client, server, commits).await;
                });
            }
        }));
    }
}

/// What is to become of answers to `COMMIT`.
#[derive(Clone)]
struct Commits {
    trap: Arc<Mutex<Option<Trap>>>,
    /// Whether all connections are broken.
    away: watch::Sender<bool>,
}

impl Default for Commits {
    fn default() -> Self {
        Self {
            trap: Arc::default(),
            away: watch::Sender::new(false),
        }
    }
}

struct Trap {
    text: Vec<u8>,
    stays_away: bool,
}

/// Passes bytes on in both directions, until one side ends or the answer to a commit is lost.
async fn pass(
    mut client: TcpStream,
    mut server: TcpStream,
    commits: Commits,
) -> std::io::Result<()> {
    let mut away = commits.away.subscribe();
    let (mut up, mut down) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    // Whether the transaction is the one, and whether its commit is under way.
    let (mut is_it, mut commits_it) = (false, false);
    loop {
        tokio::select! {
            sent = client.read(&mut up) => {
                let sent = &up[..sent?];
                if sent.is_empty() {
                    return server.shutdown().await;
                }
                is_it &= !contains(sent, b"BEGIN");
                if let Some(trap) = &*commits.trap.lock().unwrap() {
                    is_it |= contains(sent, &trap.text);
                    commits_it |= is_it && contains(sent, b"COMMIT\0");
                }
                server.write_all(sent).await?;
            }
            answered = server.read(&mut down) => {
                let answered = &down[..answered?];
                if answered.is_empty() {
                    return client.shutdown().await;
                }
                let lost = commits_it.then(|| commits.trap.lock().unwrap().take()).flatten();
                if let Some(trap) = lost {
                    commits.away.send_replace(trap.stays_away);
                    return Ok(());
                }
                client.write_all(answered).await?;
            }
            () = async { drop(away.wait_for(|away| *away).await) } => return Ok(()),
        }
    }
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}
