use std::fmt::{self, Debug, Formatter};
use std::str::FromStr;
use std::sync::Arc;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use super::HttpSettings;
use crate::graphql::{ApiError, Code, Disclosure, OperationKind};

/// The operations that a token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Queries for aggregates of at least a minimum number of trips.
    Aggregate,
    /// Queries and subscriptions.
    Read,
    /// Queries, subscriptions and mutations.
    Write,
}

impl FromStr for Scope {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        match text {
            "aggregate" => Ok(Self::Aggregate),
            "read" => Ok(Self::Read),
            "write" => Ok(Self::Write),
            _ => Err(TokenError::Scope),
        }
    }
}

/// A token that authorises a client. Written `name:scope:secret`.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// Name of the client, for the log.
    pub name: String,
    /// The operations that it allows.
    pub scope: Scope,
    /// The value that the client sends in `Authorization: Bearer`.
    pub secret: String,
}

/// Why a text is not a token. Never includes the text, which may contain a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// A part is missing or empty.
    #[error("a token must have the form name:scope:secret")]
    Form,
    /// The scope is unknown.
    #[error("the scope of a token must be `aggregate`, `read` or `write`")]
    Scope,
    /// The secret cannot be sent in a header.
    #[error("the secret of a token must consist of visible ASCII characters")]
    Secret,
    /// The secret is short enough to be guessed.
    #[error("the secret of a token must have at least {MIN_SECRET_LENGTH} characters")]
    Short,
}

/// Minimum length of a secret, in characters: 64 bits if it is hexadecimal, 96 bits if base64.
const MIN_SECRET_LENGTH: usize = 16;

impl FromStr for Token {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        let mut parts = text.splitn(3, ':');
        let (Some(name), Some(scope), Some(secret)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(TokenError::Form);
        };
        if name.is_empty() || secret.is_empty() {
            return Err(TokenError::Form);
        }
        if !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TokenError::Secret);
        }
        let scope = scope.parse()?;
        if secret.len() < MIN_SECRET_LENGTH {
            return Err(TokenError::Short);
        }
        Ok(Self {
            name: name.to_owned(),
            scope,
            secret: secret.to_owned(),
        })
    }
}

impl Debug for Token {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("name", &self.name)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

/// The accepted tokens, with hashed secrets. If there are none, no token is needed.
#[derive(Clone, Default)]
pub struct Tokens(Arc<[(blake3::Hash, Caller)]>);

/// The client that sent a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Caller {
    name: Arc<str>,
    scope: Scope,
}

impl Tokens {
    /// Hashes the secrets of these tokens.
    #[must_use]
    pub fn new(tokens: impl IntoIterator<Item = Token>) -> Self {
        Self(
            tokens
                .into_iter()
                .map(
                    |Token {
                         name,
                         scope,
                         secret,
                     }| {
                        (
                            blake3::hash(secret.as_bytes()),
                            Caller {
                                name: name.into(),
                                scope,
                            },
                        )
                    },
                )
                .collect(),
        )
    }

    /// Whether there are no tokens, so that every client may run every operation.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The client that the headers identify; `None` if a token is needed and `Authorization` is
    /// missing.
    pub(super) fn of_headers(&self, headers: &HeaderMap) -> Result<Option<Caller>, ApiError> {
        let value = headers.get(AUTHORIZATION);
        self.of(value.map(|value| value.to_str().unwrap_or_default()))
    }

    /// The client that a value of `Authorization` identifies; `None` if a token is needed and the
    /// value is missing.
    pub(super) fn of(&self, authorization: Option<&str>) -> Result<Option<Caller>, ApiError> {
        if self.is_empty() {
            return Ok(Some(Caller {
                name: "anonymous".into(),
                scope: Scope::Write,
            }));
        }
        let Some(authorization) = authorization else {
            return Ok(None);
        };
        let secret = authorization
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, secret)| secret.trim())
            .ok_or_else(|| {
                unauthenticated("the Authorization header must be `Bearer` and a token")
            })?;
        self.bearer(secret)
            .cloned()
            .map(Some)
            .ok_or_else(|| unauthenticated("the token is unknown"))
    }

    /// Compares with all tokens, in constant time, so that the duration reveals nothing about them.
    fn bearer(&self, secret: &str) -> Option<&Caller> {
        let hash = blake3::hash(secret.as_bytes());
        let mut found = u32::MAX;
        for (number, (known, _)) in (0..).zip(self.0.iter()) {
            let same: Choice = known.as_bytes().ct_eq(hash.as_bytes());
            found.conditional_assign(&number, same);
        }
        usize::try_from(found)
            .ok()
            .and_then(|number| self.0.get(number))
            .map(|(_, caller)| caller)
    }
}

impl Debug for Tokens {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(_, caller)| caller))
            .finish()
    }
}

impl Caller {
    /// Name of the client's token.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Checks the scope for an operation: mutations need `write`, subscriptions `read`.
    pub(super) fn check(&self, kind: OperationKind) -> Result<(), ApiError> {
        match kind {
            OperationKind::Query => Ok(()),
            OperationKind::Mutation => self.require(Scope::Write, "a mutation"),
            OperationKind::Subscription => self.require(Scope::Read, "a subscription"),
        }
    }

    /// Checks that the scope is at least `least`, which `what` needs.
    pub(super) fn require(&self, least: Scope, what: &str) -> Result<(), ApiError> {
        if self.scope >= least {
            return Ok(());
        }
        let scope = match least {
            Scope::Aggregate | Scope::Read => "`read` or `write`",
            Scope::Write => "`write`",
        };
        let message = format!("{what} needs a token of scope {scope}");
        Err(ApiError::new(Code::Forbidden, message))
    }

    /// What the client may learn.
    pub(super) fn disclosure(&self, settings: &HttpSettings) -> Disclosure {
        match self.scope {
            Scope::Aggregate => Disclosure::Aggregates(settings.min_trips),
            Scope::Read | Scope::Write => Disclosure::Everything,
        }
    }
}

pub(super) fn unauthenticated(message: &str) -> ApiError {
    ApiError::new(Code::Unauthenticated, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens() -> Tokens {
        Tokens::new(
            ["ann:read:s3cret:with:colons", "bob:write:other-s3cret-000"]
                .map(|text| text.parse().unwrap()),
        )
    }

    #[test]
    fn tokens_are_read() {
        let token: Token = "ann:read:a:b4567890123456".parse().unwrap();
        assert_eq!(
            (token.name.as_str(), token.scope, token.secret.as_str()),
            ("ann", Scope::Read, "a:b4567890123456")
        );
        assert!(!format!("{token:?}").contains("a:b4"));
        for (text, error) in [
            ("", TokenError::Form),
            ("ann", TokenError::Form),
            ("ann:read", TokenError::Form),
            ("ann:read:", TokenError::Form),
            (":read:x", TokenError::Form),
            ("ann:admin:x", TokenError::Scope),
            ("ann:read:x y", TokenError::Secret),
            ("ann:read:123456789012345", TokenError::Short),
        ] {
            assert_eq!(text.parse::<Token>().unwrap_err(), error, "{text}");
        }
    }

    #[test]
    fn bearers_are_known_by_their_secret() {
        let tokens = tokens();
        let ann = tokens
            .of(Some("Bearer s3cret:with:colons"))
            .unwrap()
            .unwrap();
        assert_eq!(ann.name(), "ann");
        assert!(ann.check(OperationKind::Query).is_ok());
        assert!(ann.check(OperationKind::Subscription).is_ok());
        assert_eq!(
            ann.check(OperationKind::Mutation).unwrap_err().code(),
            Code::Forbidden
        );
        let eve: Token = "eve:aggregate:0123456789abcdef".parse().unwrap();
        let eve = Tokens::new([eve]).of(Some("Bearer 0123456789abcdef"));
        let eve = eve.unwrap().unwrap();
        assert!(eve.check(OperationKind::Query).is_ok());
        assert!(eve.check(OperationKind::Subscription).is_err());
        assert!(eve.check(OperationKind::Mutation).is_err());
        let settings = HttpSettings::default();
        assert_ne!(eve.disclosure(&settings), Disclosure::Everything);
        assert_eq!(ann.disclosure(&settings), Disclosure::Everything);
        let bob = tokens.of(Some("bearer other-s3cret-000")).unwrap().unwrap();
        assert!(bob.check(OperationKind::Mutation).is_ok());
        assert_eq!(tokens.of(None), Ok(None));
        for value in [
            "Bearer wrong",
            "Bearer",
            "Basic b3RoZXI=",
            "other-s3cret-000",
            "",
        ] {
            assert_eq!(
                tokens.of(Some(value)).unwrap_err().code(),
                Code::Unauthenticated,
                "{value}"
            );
        }
    }

    #[test]
    fn without_tokens_everything_is_open() {
        let caller = Tokens::default()
            .of(Some("Bearer whatever"))
            .unwrap()
            .unwrap();
        assert!(caller.check(OperationKind::Mutation).is_ok());
    }
}
