use std::collections::HashMap;

use async_graphql::Response as Answer;
use futures::stream::{BoxStream, SelectAll};
use futures::{StreamExt, stream};
use serde_json::Value as Json;

use super::protocol::{ClientMessage, Close, Protocol};
use crate::graphql::{ApiError, Code, Operation, is_request_error};
use crate::http::AppState;
use crate::http::auth::Caller;
use crate::http::operation_span::RequestInfo;
use crate::http::{operations, params};

/// State of the conversation with one client.
pub(super) struct Session {
    state: AppState,
    protocol: Protocol,
    /// The authenticated client, from the headers of the handshake or from `connection_init`.
    caller: Option<Caller>,
    initialised: bool,
    handshake: RequestInfo,
    /// The running operations by id, each with the number of its events.
    running: HashMap<String, ActiveOperation>,
    answers: SelectAll<BoxStream<'static, Event>>,
    started: u64,
}

struct ActiveOperation {
    number: u64,
    abort: stream::AbortHandle,
}

/// A response of an operation, or its end.
pub(super) struct Event {
    id: String,
    number: u64,
    /// `None` at the end of the operation.
    answer: Option<Answer>,
}

impl Session {
    pub(super) fn new(
        state: AppState,
        protocol: Protocol,
        caller: Option<Caller>,
        handshake: RequestInfo,
    ) -> Self {
        Self {
            state,
            protocol,
            caller,
            initialised: false,
            handshake,
            running: HashMap::new(),
            answers: SelectAll::new(),
            started: 0,
        }
    }

    pub(super) const fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Whether `connection_init` has been accepted.
    pub(super) const fn is_initialised(&self) -> bool {
        self.initialised
    }

    /// Waits for the next event of an operation; forever if none is running.
    pub(super) async fn event(&mut self) -> Event {
        match self.answers.next().await {
            Some(event) => event,
            None => std::future::pending().await,
        }
    }

    /// Handles a message of the client and returns the replies.
    pub(super) fn receive(&mut self, text: &str) -> Result<Vec<String>, Close> {
        match self.protocol.read(text)? {
            ClientMessage::ConnectionInit(payload) => self.init(&payload),
            ClientMessage::Subscribe { id, payload } => self.subscribe(id, payload),
            ClientMessage::Complete { id } => {
                let stopped = self.stop(&id);
                // The older protocol confirms with `complete`; the newer one has no reply.
                let confirmed = stopped && self.protocol == Protocol::Legacy;
                Ok(confirmed
                    .then(|| Protocol::complete(&id))
                    .into_iter()
                    .collect())
            }
            ClientMessage::Ping(payload) => Ok(vec![Protocol::pong(payload)]),
            ClientMessage::Pong => Ok(Vec::new()),
            ClientMessage::Terminate => Err(Close::new(1000, "")),
        }
    }

    fn init(&mut self, payload: &Json) -> Result<Vec<String>, Close> {
        if self.initialised {
            return Err(Close::new(4429, "Too many initialisation requests"));
        }
        let tokens = &self.state.settings().tokens;
        let given = ["Authorization", "authorization"]
            .iter()
            .find_map(|name| payload.get(name)?.as_str());
        if given.is_some() || self.caller.is_none() {
            self.caller = tokens
                .of(given)
                .map_err(|error| Close::new(4403, error.message()))?;
        }
        if self.caller.is_none() {
            return Err(Close::new(4403, "a token is needed"));
        }
        self.initialised = true;
        Ok(self.protocol.acknowledge())
    }

    fn subscribe(&mut self, id: String, payload: Json) -> Result<Vec<String>, Close> {
        let Some(caller) = self.caller.clone().filter(|_| self.initialised) else {
            return Err(Close::new(4401, "Unauthorized"));
        };
        if self.running.contains_key(&id) {
            match self.protocol {
                Protocol::TransportWs => {
                    return Err(Close::new(
                        4409,
                        format!("Subscriber for {} already exists", short(&id)),
                    ));
                }
                // The older protocol replaces a running operation with the same id.
                Protocol::Legacy => drop(self.stop(&id)),
            }
        }
        let refused = |session: &Self, error: ApiError| {
            Ok(vec![session.protocol.error(&id, &[error.into()])])
        };
        if self.running.len() >= self.state.settings().operations_per_connection {
            let error = ApiError::new(
                Code::TooComplex,
                "too many operations are running on this connection",
            );
            return refused(self, error);
        }
        let request = match (params::from_json(payload), self.protocol) {
            (Ok(request), _) => request,
            (Err(error), Protocol::TransportWs) => return Err(Close::new(4400, error.message())),
            (Err(error), Protocol::Legacy) => return refused(self, error),
        };
        let mut operation = match operations::parse(&self.state, &self.handshake, request) {
            Ok(operation) => operation,
            Err(errors) => return Ok(vec![self.protocol.error(&id, &errors)]),
        };
        let permitted = operations::permit(&self.state, &self.handshake, &caller, &mut operation);
        if let Err(error) = permitted {
            return refused(self, error);
        }
        self.start(id, &caller, operation);
        Ok(Vec::new())
    }

    fn start(&mut self, id: String, caller: &Caller, operation: Operation) {
        let number = self.started;
        self.started += 1;
        let answers = operations::stream(&self.state, &self.handshake, caller, operation);
        let (answers, abort) = stream::abortable(answers);
        let name = id.clone();
        let end = Event {
            id: id.clone(),
            number,
            answer: None,
        };
        let events = answers
            .map(move |answer| Event {
                id: name.clone(),
                number,
                answer: Some(answer),
            })
            .chain(stream::iter([end]));
        self.answers.push(events.boxed());
        self.running.insert(id, ActiveOperation { number, abort });
    }

    fn stop(&mut self, id: &str) -> bool {
        self.running
            .remove(id)
            .map(|running| running.abort.abort())
            .is_some()
    }

    /// The message for an event; `None` if the client has stopped the operation.
    pub(super) fn say(&mut self, event: Event) -> Option<String> {
        let Event { id, number, answer } = event;
        if self
            .running
            .get(&id)
            .is_none_or(|running| running.number != number)
        {
            return None;
        }
        match answer {
            Some(answer) if is_request_error(&answer) => {
                self.stop(&id);
                Some(self.protocol.error(&id, &answer.errors))
            }
            Some(answer) => Some(self.protocol.next(&id, &answer)),
            None => {
                self.running.remove(&id);
                Some(Protocol::complete(&id))
            }
        }
    }
}

/// Shortens an id, so that the reason for closing fits into 123 bytes.
fn short(id: &str) -> String {
    id.chars().take(16).collect()
}
