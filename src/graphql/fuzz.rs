//! Properties of documents and cursors that hold for any text.

use async_graphql::connection::CursorType;
use async_graphql::{Request, Variables};

use super::cursor::{self, Cursor};
use super::{Limits, Operation};
use crate::geo::Resolution;
use crate::model::{BucketMinutes, Similarity};

/// A document, and behind a NUL its variables. It is refused with a message of bounded length and a
/// code, or async-graphql's own parser reads it, too.
pub(crate) fn document(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (document, variables) = text.split_once('\0').unwrap_or((text, "{}"));
    let variables = serde_json::from_str(variables).unwrap_or_default();
    let request = Request::new(document).variables(Variables::from_json(variables));
    match Operation::parse(request, &Limits::default()) {
        Ok(operation) => {
            let read = async_graphql::parser::parse_query(document);
            // It does not know every escape sequence.
            let is_read = read.is_ok() || document.contains('\\');
            assert!(is_read, "{read:?}");
            assert!(operation.name().is_none_or(|name| !name.is_empty()));
        }
        Err(errors) => {
            assert!(!errors.is_empty() && errors.len() <= 50);
            for error in errors {
                assert!(error.message.chars().count() <= 600, "{}", error.message);
                let code = error.extensions.as_ref().and_then(|more| more.get("code"));
                assert!(code.is_some(), "{error:?}");
            }
        }
    }
}

/// A cursor is refused, or is written as it is read; what it stands for has the same cursor.
pub(crate) fn cursor(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(Some(read)) = cursor::parse(Some(text)) else {
        return;
    };
    assert_eq!(cursor::parse(Some(&read.encode_cursor())), Ok(Some(read)));
    if let Ok(pair) = cursor::to_pair(read) {
        assert_eq!(cursor::of_pair(&pair), read);
    }
    if let Cursor::Group(resolution, ..) | Cursor::Compared(resolution, ..) = read
        && let Some(resolution) = Resolution::new(resolution.into())
    {
        let similarity = Similarity {
            resolution,
            bucket: BucketMinutes::HOUR,
        };
        for compared in [false, true] {
            if let Ok(group) = cursor::to_group(similarity, compared, read) {
                assert_eq!(cursor::of_group(similarity, compared, &group), read);
            }
        }
    }
}
