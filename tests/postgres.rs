//! The suite on PostgreSQL: each test has a database of its own.
//!
//! On the server that `TRIPGRAPH_TEST_DATABASE_URL` names, or else on one that is started for this
//! run where PostgreSQL is installed. Where the server is the coordinator of a Citus cluster, on
//! all its nodes.

#[cfg(unix)]
#[path = "suite/citus.rs"]
mod citus;
#[cfg(unix)]
#[path = "suite/outcomes.rs"]
mod outcomes;
#[cfg(unix)]
#[path = "suite/peers.rs"]
mod peers;
#[cfg(unix)]
#[path = "suite/replicas.rs"]
mod replicas;
mod suite;
#[cfg(unix)]
#[path = "suite/tls.rs"]
mod tls;
