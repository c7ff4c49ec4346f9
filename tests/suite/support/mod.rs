//! A server of its own for each test.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "each test file uses a part of it"
)]
pub mod backend;
#[cfg(feature = "otel")]
pub mod collector;
pub mod data;
pub mod database;
pub mod postgres;
pub mod proxy;
pub mod random;
pub mod reference;
pub mod snapshot;
#[cfg(unix)]
pub mod standby;
pub mod web;

use std::path::{Path, PathBuf};

use backend::Backend;
use tripgraph::analytics::{Answers, ZoneSets};
use tripgraph::graphql::{Limits, Services};
use tripgraph::http::{AppState, HttpSettings, Shutdown, Token, router, serve};
use tripgraph::ingest::Fetcher;

pub struct Server {
    pub address: std::net::SocketAddr,
    pub shutdown: Shutdown,
    pub backend: Backend,
    pub task: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Server {
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    pub async fn with(tokens: &[&str]) -> Self {
        Self::set_up(tokens, |_| ()).await
    }

    /// With settings that differ from those of other tests.
    pub async fn set_up(tokens: &[&str], adjust: impl FnOnce(&mut HttpSettings)) -> Self {
        let tokens: Vec<Token> = tokens.iter().map(|text| text.parse().unwrap()).collect();
        web::ready_for_http();
        let backend = Backend::start().await;
        let services = Services {
            ingestions: backend.ingestions.clone(),
            fetcher: Fetcher::new(Vec::new(), u64::MAX).unwrap(),
            store: backend.store.clone(),
            zones: ZoneSets::new(backend.store.clone()),
            answers: Answers::new(backend.store.clone(), 1 << 20),
            limits: Limits::default(),
        };
        let mut settings = HttpSettings::testing(tokens);
        adjust(&mut settings);
        let shutdown = Shutdown::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = router(AppState::new(services, settings.clone(), shutdown.clone()));
        let signal = shutdown.clone();
        let task = tokio::spawn(async move { serve(listener, router, signal, &settings).await });
        Self {
            address,
            shutdown,
            backend,
            task,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Uploads in the spool's folder.
    pub fn spooled(&self) -> usize {
        uploads(&self.backend.dir().join("spool")).len()
    }
}

/// Uploads in a spool's folder.
pub fn uploads(spool: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(spool).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.file_name().unwrap() != "spool.id")
        .collect()
}
