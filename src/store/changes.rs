//! Changes: what the programs that share a database tell each other, so that nobody has to ask.

use std::time::Duration;

use futures::stream::{self, BoxStream, StreamExt};
use sea_orm::{ConnectionTrait, DbBackend};
use serde::{Deserialize, Serialize};

use super::statement::statement;
use super::{Error, FinalCounts, Store, postgres};
use crate::model::{IngestionId, IngestionPhase};

/// Something that another program has told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Change {
    /// Notifications may have been missed: anything may have changed.
    Anything,
    /// There may be work in the queue.
    Work,
    /// The state of an ingestion has changed: the database has it.
    State(IngestionId),
    /// An ingestion that runs has come further.
    Advance(IngestionId, Advance),
}

/// How far an ingestion has come that runs.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Advance {
    /// The counters.
    #[serde(flatten)]
    pub counts: FinalCounts,
    /// What is done with the file.
    pub phase: IngestionPhase,
    /// How much of the work is done, 0–100.
    pub percent: f64,
    /// Rows a second over the last moments, while rows are read.
    pub rows_per_second: Option<f64>,
    /// Seconds that are left until the end.
    pub eta_seconds: Option<f64>,
}

/// A change on its way from one program to the others, as JSON.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Message {
    /// The program that tells it.
    by: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ingestion: Option<IngestionId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    advance: Option<Advance>,
    /// Whether there may be work.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    work: bool,
}

impl Message {
    /// A heartbeat.
    pub(super) fn heartbeat(by: &str) -> Self {
        Self {
            by: by.to_owned(),
            ingestion: None,
            advance: None,
            work: false,
        }
    }

    /// There may be work.
    pub(super) fn work(by: &str) -> Self {
        Self {
            work: true,
            ..Self::heartbeat(by)
        }
    }

    /// An ingestion's state has changed; where it waits now, there is work.
    pub(super) fn state(by: &str, id: IngestionId) -> Self {
        Self {
            ingestion: Some(id),
            ..Self::work(by)
        }
    }

    fn advance(by: &str, id: IngestionId, advance: Advance) -> Self {
        Self {
            ingestion: Some(id),
            advance: Some(advance),
            ..Self::heartbeat(by)
        }
    }

    /// What is news to another program than its sender, in the order to take note of it.
    fn news(&self, to: &str) -> Vec<Change> {
        if self.by == to {
            return Vec::new();
        }
        let about = match (self.ingestion, self.advance) {
            (Some(id), Some(advance)) => Some(Change::Advance(id, advance)),
            (Some(id), None) => Some(Change::State(id)),
            (None, _) => None,
        };
        let work = self.work.then_some(Change::Work);
        about.into_iter().chain(work).collect()
    }
}

/// Tells the other programs, once the transaction is committed. Where there are none, nothing.
pub(super) async fn notify(
    connection: &impl ConnectionTrait,
    message: &Message,
) -> Result<(), Error> {
    if connection.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    // The serialisation of numbers and short texts cannot fail.
    let json = serde_json::to_string(message).unwrap_or_default();
    let sql = "SELECT pg_notify($1, $2)";
    let values = [postgres::CHANNEL.into(), json.into()];
    connection
        .query_one_raw(statement(connection, sql, values))
        .await?;
    Ok(())
}

impl Store {
    /// Tells the other programs how far an ingestion has come.
    pub async fn announce(&self, id: IngestionId, advance: Advance) -> Result<(), Error> {
        let message = Message::advance(self.program(), id, advance);
        notify(&self.inner.writer, &message).await
    }

    /// Changes by other programs from now on, until the store is closed. After `silence` without a
    /// notification, not even a heartbeat, the connection is replaced. If other programs cannot use
    /// the database, the stream is pending forever.
    #[must_use]
    pub fn changes(&self, silence: Duration) -> BoxStream<'static, Change> {
        if !self.is_shared() {
            return stream::pending().boxed();
        }
        let program = self.program().to_owned();
        postgres::messages(&self.inner.writer, silence)
            .flat_map(move |message| {
                stream::iter(match message {
                    // What can't be read is from another release, and may mean anything.
                    Some(text) => serde_json::from_str::<Message>(&text)
                        .map_or_else(|_| vec![Change::Anything], |message| message.news(&program)),
                    None => vec![Change::Anything],
                })
            })
            .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_back_as_they_went() {
        let advance = Advance {
            counts: FinalCounts {
                bytes_read: 7,
                rows_read: 3,
                rows_ingested: 2,
                rows_rejected: 1,
            },
            phase: IngestionPhase::Publishing,
            percent: 62.5,
            rows_per_second: Some(1.5),
            eta_seconds: None,
        };
        for (message, news) in [
            (Message::heartbeat("a"), vec![]),
            (Message::work("a"), vec![Change::Work]),
            (Message::state("a", 5), vec![Change::State(5), Change::Work]),
            (
                Message::advance("a", 5, advance),
                vec![Change::Advance(5, advance)],
            ),
        ] {
            let json = serde_json::to_string(&message).unwrap();
            let back: Message = serde_json::from_str(&json).unwrap();
            assert_eq!(back.news("b"), news, "{json}");
            assert_eq!(back.news("a"), [], "its sender knows");
        }
    }
}
