//! The parameters of a GraphQL request, from JSON or from the query string of a GET.

use async_graphql::{Request, Value, Variables};
use serde_json::{Map, Value as Json};

use crate::graphql::{ApiError, Code};

/// Reads a request from a JSON value: the body of a POST, `operations` of a multipart request, or
/// the payload of a WebSocket's `subscribe`.
pub(super) fn from_json(json: Json) -> Result<Request, ApiError> {
    match json {
        Json::Object(fields) => from_fields(fields),
        Json::Array(_) => Err(ApiError::bad_input(
            "batched requests are not supported: send one operation per request",
        )),
        _ => Err(ApiError::bad_input("the request is not a JSON object")),
    }
}

/// Reads a request from the bytes of a JSON document.
pub(super) fn from_slice(bytes: &[u8]) -> Result<Request, ApiError> {
    let json = serde_json::from_slice(bytes)
        .map_err(|error| ApiError::bad_input(format_args!("the request is not JSON: {error}")))?;
    from_json(json)
}

/// Reads a request from the query string of a GET.
pub(super) fn from_query(query: &str) -> Result<Request, ApiError> {
    let mut fields = Map::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let value = match &*name {
            "query" | "operationName" | "documentId" => Json::String(value.into_owned()),
            "variables" | "extensions" if value.is_empty() => Json::Null,
            "variables" | "extensions" => serde_json::from_str(&value).map_err(|error| {
                ApiError::bad_input(format_args!("`{name}` is not JSON: {error}"))
            })?,
            _ => continue,
        };
        if fields.insert(name.clone().into_owned(), value).is_some() {
            return Err(ApiError::bad_input(format_args!("`{name}` occurs twice")));
        }
    }
    from_fields(fields)
}

fn from_fields(mut fields: Map<String, Json>) -> Result<Request, ApiError> {
    let wrong =
        |name: &str, what: &str| ApiError::bad_input(format_args!("`{name}` is not {what}"));
    let query = match fields.remove("query") {
        Some(Json::String(query)) => query,
        None | Some(Json::Null) => return Err(without_document(&fields)),
        Some(_) => return Err(wrong("query", "a string")),
    };
    let mut request = Request::new(query);
    match fields.remove("operationName") {
        Some(Json::String(name)) => request.operation_name = Some(name),
        None | Some(Json::Null) => {}
        Some(_) => return Err(wrong("operationName", "a string")),
    }
    match fields.remove("variables") {
        Some(variables @ Json::Object(_)) => request.variables = Variables::from_json(variables),
        None | Some(Json::Null) => {}
        Some(_) => return Err(wrong("variables", "an object")),
    }
    match fields.remove("extensions") {
        Some(Json::Object(extensions)) => {
            for (name, value) in extensions {
                let value =
                    Value::from_json(value).map_err(|_| wrong("extensions", "an object"))?;
                request.extensions.insert(name, value);
            }
        }
        None | Some(Json::Null) => {}
        Some(_) => return Err(wrong("extensions", "an object")),
    }
    Ok(request)
}

/// The error for a request without a document: clients that refer to a stored one by its hash or id
/// learn that there are none. Those of Apollo and urql then send the document itself.
fn without_document(fields: &Map<String, Json>) -> ApiError {
    let extensions = fields.get("extensions");
    if extensions.is_some_and(|extensions| extensions.get("persistedQuery").is_some()) {
        // The message, too, is what these clients compare.
        let message = "PersistedQueryNotSupported";
        return ApiError::new(Code::PersistedQueryNotSupported, message);
    }
    if fields.get("documentId").is_some_and(|id| !id.is_null()) {
        return ApiError::bad_input(
            "`documentId` is not supported, since the server stores no documents: send the document \
             as `query`",
        );
    }
    ApiError::bad_input("`query` is missing")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_queries() {
        let request = from_query(
            "query=query+A%7B__typename%7D&operationName=A&variables=%7B%22a%22%3A1%7D&x=y",
        )
        .unwrap();
        assert_eq!(request.query, "query A{__typename}");
        assert_eq!(request.operation_name.as_deref(), Some("A"));
        assert_eq!(request.variables.get("a"), Some(&Value::from(1)));
    }

    #[test]
    fn refuses_what_is_no_request() {
        for query in [
            "",
            "query=a&query=b",
            "query=a&variables=1",
            "query=a&variables={",
            "query=a&extensions=[]",
        ] {
            assert!(from_query(query).is_err(), "{query}");
        }
        for json in [
            "",
            "1",
            "[]",
            "{}",
            r#"{"query":1}"#,
            r#"{"query":"a","operationName":1}"#,
            r#"{"query":"a","variables":"x"}"#,
            r#"{"query":"a","extensions":"x"}"#,
            r#"[{"query":"a"}]"#,
        ] {
            assert!(from_slice(json.as_bytes()).is_err(), "{json}");
        }
        let json = r#"{"query":"a","operationName":null,"variables":null,"extensions":null}"#;
        assert!(from_slice(json.as_bytes()).is_ok());
    }
}
