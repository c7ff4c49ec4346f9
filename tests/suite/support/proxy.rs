//! A way to the database that can be cut.

use tokio::io::{AsyncReadExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// Passes bytes on between clients and a server.
pub struct Proxy {
    url: String,
    port: u16,
    server: String,
    running: Option<JoinHandle<()>>,
}

impl Proxy {
    /// A way to the database at an address.
    pub async fn to(url: &str) -> Self {
        let (scheme, rest) = url.split_once("://").unwrap();
        let (place, path) = rest.split_once('/').unwrap();
        let (user, server) = place.rsplit_once('@').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut proxy = Self {
            url: format!("{scheme}://{user}@127.0.0.1:{port}/{path}"),
            port,
            server: server.to_owned(),
            running: None,
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
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.unwrap();
        self.run(listener);
    }

    fn run(&mut self, listener: TcpListener) {
        let server = self.server.clone();
        self.running = Some(tokio::spawn(async move {
            // They end with this task.
            let mut connections = JoinSet::new();
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                let server = server.clone();
                connections.spawn(async move {
                    let mut server = TcpStream::connect(server).await.unwrap();
                    let _ = copy_bidirectional(&mut client, &mut server).await;
                });
            }
        }));
    }
}
