//! `extensions.cost`: what a request costs, for clients that ask for it.

use std::sync::Arc;

use async_graphql::{Request, Response, Value, value};

use super::Schema;
use crate::analytics::{Answers, Ledger};

/// The extension's name in requests and responses.
pub(super) const NAME: &str = "cost";

/// The cost of a request.
pub(super) struct Cost(Arc<Ledger>);

impl Cost {
    /// The request, and its cost if it has `extensions: { cost: true }`: then its resolvers get
    /// answers that are counted.
    pub(super) fn asked_by(request: Request, schema: &Schema) -> (Request, Option<Self>) {
        if request.extensions.get(NAME) != Some(&Value::Boolean(true)) {
            return (request, None);
        }
        let ledger = Arc::new(Ledger::default());
        let request = match schema.data::<Answers>() {
            Some(answers) => request.data(answers.counted(Arc::clone(&ledger))),
            None => request,
        };
        (request, Some(Self(ledger)))
    }

    /// Adds the cost to the extensions of a response.
    pub(super) fn add_to(self, response: &mut Response) {
        let work = self.0.sum();
        let cost = value!({
            "bytes": work.bytes,
            "statements": work.statements,
            "costly": work.costly,
        });
        response.extensions.insert(NAME.to_owned(), cost);
    }
}
