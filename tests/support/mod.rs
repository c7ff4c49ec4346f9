//! A server of its own for each test.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "each test file uses a part of it"
)]
pub mod data;
pub mod engine;
pub mod random;
pub mod twin;

use tripgraph::graphql::{Limits, Services};
use tripgraph::http::{AppState, HttpSettings, Shutdown, Token, router, serve};

pub struct Server {
    pub address: std::net::SocketAddr,
    pub shutdown: Shutdown,
    pub dir: tempfile::TempDir,
    pub task: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Server {
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    pub async fn with(tokens: &[&str]) -> Self {
        let tokens: Vec<Token> = tokens.iter().map(|text| text.parse().unwrap()).collect();
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", dir.path().join("t.db").display());
        let store = tripgraph::store::Store::open(&url, tripgraph::store::Access::Write)
            .await
            .unwrap();
        let spool = tripgraph::ingest::Spool::open(dir.path().join("spool"))
            .await
            .unwrap();
        let ingestions = tripgraph::ingest::Ingestions::start(store.clone(), spool)
            .await
            .unwrap();
        let services = Services {
            ingestions,
            store,
            limits: Limits::default(),
        };
        let settings = HttpSettings::testing(tokens);
        let shutdown = Shutdown::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = router(AppState::new(services, settings.clone(), shutdown.clone()));
        let signal = shutdown.clone();
        let task = tokio::spawn(async move { serve(listener, router, signal, &settings).await });
        Self {
            address,
            shutdown,
            dir,
            task,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Files in the spool's folder.
    pub fn spooled(&self) -> usize {
        std::fs::read_dir(self.dir.path().join("spool"))
            .unwrap()
            .count()
    }
}
