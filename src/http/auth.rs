use std::fmt::{self, Debug, Formatter};
use std::str::FromStr;
use std::sync::Arc;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use crate::graphql::{ApiError, Code, OperationKind};

/// What the bearer of a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Queries and subscriptions.
    Read,
    /// Mutations too.
    Write,
}

impl FromStr for Scope {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        match text {
            "read" => Ok(Self::Read),
            "write" => Ok(Self::Write),
            _ => Err(TokenError::Scope),
        }
    }
}

/// A token that lets its bearer in. Written `name:scope:secret`.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// Whose it is: for the log.
    pub name: String,
    /// What it allows.
    pub scope: Scope,
    /// What its bearer shows.
    pub secret: String,
}

/// Why a text is no token. Never repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// There are not three parts.
    #[error("a token is written name:scope:secret")]
    Form,
    /// The scope is unknown.
    #[error("a token's scope is `read` or `write`")]
    Scope,
    /// The secret could not be sent in a header.
    #[error("a token's secret is made of visible ASCII characters")]
    Secret,
    /// The secret could be guessed.
    #[error("a token's secret has at least {MIN_SECRET_LENGTH} characters")]
    Short,
}

/// The least length of a secret: 64 bits where it is hexadecimal, 96 where it is base64.
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

/// The tokens that are known; without any, everything is open.
#[derive(Clone, Default)]
pub struct Tokens(Arc<[(blake3::Hash, Caller)]>);

/// Who a request comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Caller {
    name: Arc<str>,
    scope: Scope,
}

impl Tokens {
    /// Knows these tokens.
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

    /// Whether everything is open.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Who the headers of a request name; `None` where they name nobody and a token is needed.
    pub(super) fn of_headers(&self, headers: &HeaderMap) -> Result<Option<Caller>, ApiError> {
        let value = headers.get(AUTHORIZATION);
        self.of(value.map(|value| value.to_str().unwrap_or_default()))
    }

    /// Who a value of `Authorization` names; `None` where there is none and a token is needed.
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
                unauthenticated("the Authorization header is not `Bearer` and a token")
            })?;
        self.bearer(secret)
            .cloned()
            .map(Some)
            .ok_or_else(|| unauthenticated("the token is unknown"))
    }

    /// Compares with every token, and the whole of each, so that the time it takes tells nothing.
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
    /// Whose token it is.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Queries and subscriptions need `read`, mutations `write`.
    pub(super) fn check(&self, kind: OperationKind) -> Result<(), ApiError> {
        if kind == OperationKind::Mutation && self.scope != Scope::Write {
            return Err(ApiError::new(
                Code::Forbidden,
                "a mutation needs a token of scope `write`",
            ));
        }
        Ok(())
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
