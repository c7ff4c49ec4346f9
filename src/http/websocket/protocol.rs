use async_graphql::{Response as Answer, ServerError};
use axum::http::HeaderMap;
use axum::http::header::SEC_WEBSOCKET_PROTOCOL;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::http::reply::Body;

/// A subprotocol, which defines the format of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    /// <https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md>
    TransportWs,
    /// <https://github.com/apollographql/subscriptions-transport-ws/blob/master/PROTOCOL.md>, named
    /// `graphql-ws` in the handshake.
    Legacy,
}

/// A message of a client.
#[derive(Debug, PartialEq)]
pub(super) enum ClientMessage {
    ConnectionInit(Json),
    Subscribe { id: String, payload: Json },
    Complete { id: String },
    Ping(Option<Json>),
    Pong,
    Terminate,
}

/// Code and reason with which a connection is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Close {
    pub(super) code: u16,
    pub(super) reason: String,
}

impl Close {
    pub(super) fn new(code: u16, reason: impl Into<String>) -> Self {
        Self {
            code,
            reason: reason.into(),
        }
    }
}

#[derive(Deserialize)]
struct Frame {
    #[serde(rename = "type")]
    kind: String,
    id: Option<String>,
    payload: Option<Json>,
}

#[derive(Serialize)]
struct AnswerMessage<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    id: &'a str,
    payload: Body<'a>,
}

impl Protocol {
    /// All protocols, the newer one first.
    pub(super) const ALL: [Protocol; 2] = [Protocol::TransportWs, Protocol::Legacy];

    /// The name in the handshake.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Protocol::TransportWs => "graphql-transport-ws",
            Protocol::Legacy => "graphql-ws",
        }
    }

    /// The first supported protocol that the client offers. Clients offer protocols in order of
    /// preference, and some assume that their first offer is accepted.
    pub(super) fn chosen(headers: &HeaderMap) -> Option<Self> {
        headers
            .get_all(SEC_WEBSOCKET_PROTOCOL)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .find_map(|name| {
                Self::ALL
                    .into_iter()
                    .find(|protocol| protocol.name() == name.trim())
            })
    }

    /// Parses a message of a client.
    pub(super) fn read(self, text: &str) -> Result<ClientMessage, Close> {
        let invalid = |what: &str| Close::new(4400, what);
        let Frame { kind, id, payload } =
            serde_json::from_str(text).map_err(|_| invalid("Invalid message received"))?;
        let id = || {
            id.filter(|id| !id.is_empty())
                .ok_or_else(|| invalid("Message misses its id"))
        };
        match (self, kind.as_str()) {
            (_, "connection_init") => match payload.unwrap_or_default() {
                payload @ (Json::Null | Json::Object(_)) => {
                    Ok(ClientMessage::ConnectionInit(payload))
                }
                _ => Err(invalid("The payload of connection_init is not an object")),
            },
            (Protocol::TransportWs, "subscribe") | (Protocol::Legacy, "start") => {
                let payload = payload.ok_or_else(|| invalid("Message misses its payload"))?;
                Ok(ClientMessage::Subscribe { id: id()?, payload })
            }
            (Protocol::TransportWs, "complete") | (Protocol::Legacy, "stop") => {
                Ok(ClientMessage::Complete { id: id()? })
            }
            (Protocol::TransportWs, "ping") => Ok(ClientMessage::Ping(payload)),
            (Protocol::TransportWs, "pong") => Ok(ClientMessage::Pong),
            (Protocol::Legacy, "connection_terminate") => Ok(ClientMessage::Terminate),
            _ => Err(invalid("Unknown type of message")),
        }
    }

    /// The messages that accept a connection.
    pub(super) fn acknowledge(self) -> Vec<String> {
        let mut messages = vec![json!({ "type": "connection_ack" }).to_string()];
        if self == Protocol::Legacy {
            messages.push(json!({ "type": "ka" }).to_string());
        }
        messages
    }

    /// The message before the connection is closed for this reason, if the protocol has one.
    pub(super) fn farewell(self, close: &Close) -> Option<String> {
        (self == Protocol::Legacy && close.code >= 4000).then(|| {
            json!({ "type": "connection_error", "payload": { "message": close.reason } })
                .to_string()
        })
    }

    /// The message for a response of an operation.
    pub(super) fn next(self, id: &str, answer: &Answer) -> String {
        let kind = match self {
            Protocol::TransportWs => "next",
            Protocol::Legacy => "data",
        };
        let message = AnswerMessage {
            kind,
            id,
            payload: Body::of(answer),
        };
        // Not converted to a JSON value first, which would sort the fields of the response.
        serde_json::to_string(&message).unwrap_or_default()
    }

    /// The message that an operation was refused. It is the last message of that operation.
    pub(super) fn error(self, id: &str, errors: &[ServerError]) -> String {
        match self {
            Protocol::TransportWs => json!({ "type": "error", "id": id, "payload": errors }),
            Protocol::Legacy => json!({ "type": "error", "id": id, "payload": errors.first() }),
        }
        .to_string()
    }

    /// The message that an operation has completed.
    pub(super) fn complete(id: &str) -> String {
        json!({ "type": "complete", "id": id }).to_string()
    }

    /// The reply to a ping.
    pub(super) fn pong(payload: Option<Json>) -> String {
        match payload {
            Some(payload) => json!({ "type": "pong", "payload": payload }),
            None => json!({ "type": "pong" }),
        }
        .to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_protocol_has_its_own_words() {
        let start = r#"{"type":"start","id":"1","payload":{"query":"{a}"}}"#;
        assert!(matches!(
            Protocol::Legacy.read(start),
            Ok(ClientMessage::Subscribe { .. })
        ));
        assert_eq!(Protocol::TransportWs.read(start).unwrap_err().code, 4400);
        let subscribe = start.replace("start", "subscribe");
        assert!(matches!(
            Protocol::TransportWs.read(&subscribe),
            Ok(ClientMessage::Subscribe { .. })
        ));
        assert_eq!(Protocol::Legacy.read(&subscribe).unwrap_err().code, 4400);
    }

    #[test]
    fn the_client_chooses_the_protocol() {
        let chosen = |offers: &[&'static str]| {
            let header = |offer: &&'static str| (SEC_WEBSOCKET_PROTOCOL, offer.parse().unwrap());
            Protocol::chosen(&offers.iter().map(header).collect())
        };
        let (new, old) = (Some(Protocol::TransportWs), Some(Protocol::Legacy));
        assert_eq!(chosen(&["graphql-transport-ws"]), new);
        assert_eq!(chosen(&["graphql-ws"]), old);
        assert_eq!(chosen(&["graphql-ws, graphql-transport-ws"]), old);
        assert_eq!(chosen(&["soap,graphql-transport-ws,graphql-ws"]), new);
        assert_eq!(chosen(&["soap", "graphql-ws"]), old);
        assert_eq!(chosen(&["soap"]), None);
        assert_eq!(chosen(&[]), None);
    }

    #[test]
    fn an_answer_keeps_the_order_of_its_fields() {
        let data = async_graphql::value!({ "state": "RUNNING", "percent": 1, "id": "7" });
        let text = Protocol::TransportWs.next("1", &Answer::new(data));
        let fields = r#"{"state":"RUNNING","percent":1,"id":"7"}"#;
        let whole = format!(r#"{{"type":"next","id":"1","payload":{{"data":{fields}}}}}"#);
        assert_eq!(text, whole);
    }

    #[test]
    fn invalid_messages_are_4400() {
        for text in [
            "",
            "{}",
            "[]",
            r#"{"type":"subscribe","id":"1"}"#,
            r#"{"type":"subscribe","payload":{}}"#,
            r#"{"type":"complete"}"#,
            r#"{"type":"complete","id":""}"#,
            r#"{"type":1}"#,
            r#"{"type":"connection_init","payload":1}"#,
        ] {
            assert_eq!(
                Protocol::TransportWs.read(text).unwrap_err().code,
                4400,
                "{text}"
            );
        }
    }
}
