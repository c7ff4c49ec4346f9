//! The name of an uploaded file.

use axum::http::header::CONTENT_DISPOSITION;
use multer::Field;

const FALLBACK: &str = "upload.csv";

/// Maximum length of a name, in characters.
const MAX_LENGTH: usize = 255;

/// The file name of a part, without the folders that some clients send.
pub(super) fn of(part: &Field<'_>) -> String {
    let header = part.headers().get(CONTENT_DISPOSITION);
    let header = header.and_then(|value| std::str::from_utf8(value.as_bytes()).ok());
    let name = header
        .and_then(extended)
        .or_else(|| part.file_name().map(decoded))
        .unwrap_or_default();
    without_folders(&name)
}

/// `filename*`, which supports non-ASCII characters (RFC 5987) and takes precedence over `filename`
/// (RFC 6266), or a `filename` in several numbered parts (RFC 2231).
fn extended(header: &str) -> Option<String> {
    const NAME: &str = "filename*";
    if !header.to_ascii_lowercase().contains(NAME) {
        return None;
    }
    let parsed = mailparse::parse_content_disposition(header).params;
    // If there is also a `filename`, the parser does not decode the extended one.
    let parsed = match parsed.get(NAME) {
        Some(value) => {
            let alone = format!("form-data; {NAME}={value}");
            mailparse::parse_content_disposition(&alone).params
        }
        None => parsed,
    };
    parsed.get("filename").cloned()
}

/// Decodes encoded words (RFC 2047), which are not allowed here, but some clients send them.
fn decoded(name: &str) -> String {
    if !name.contains("=?") {
        return name.to_owned();
    }
    let header = format!("name: {name}");
    match mailparse::parse_header(header.as_bytes()) {
        Ok((header, _)) => header.get_value(),
        Err(_) => name.to_owned(),
    }
}

/// A name without the folders that it may begin with.
pub(super) fn without_folders(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default().trim();
    let visible = name.chars().filter(|c| !c.is_control());
    let name: String = visible.take(MAX_LENGTH).collect();
    if name.is_empty() {
        FALLBACK.to_owned()
    } else {
        name
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;
    use multer::Multipart;

    use super::*;

    async fn name(parameters: &str) -> String {
        let body = format!(
            "--b\r\ncontent-disposition: form-data; name=\"0\"; {parameters}\r\n\r\nx\r\n--b--\r\n"
        );
        let body = stream::iter([Ok::<_, std::io::Error>(body)]);
        let part = Multipart::new(body, "b").next_field().await.unwrap();
        of(&part.unwrap())
    }

    #[tokio::test]
    async fn names_are_read_in_every_encoding() {
        for (parameters, expected) in [
            (r#"filename="a.csv""#, "a.csv"),
            (r#"filename="é 1.csv""#, "é 1.csv"),
            ("filename*=UTF-8''na%C3%AFve%20%E2%82%AC.csv", "naïve €.csv"),
            ("FileName*=utf-8'en'%41.csv", "A.csv"),
            ("filename*=ISO-8859-1''%E9.csv", "é.csv"),
            (r#"filename="_.csv"; filename*=UTF-8''%C3%A9.csv"#, "é.csv"),
            (r#"filename*=UTF-8''%C3%A9.csv; filename="_.csv""#, "é.csv"),
            ("filename*0*=UTF-8''%C3; filename*1*=%A9.csv", "é.csv"),
            (r#"filename="=?UTF-8?B?w6kgMS5jc3Y=?=""#, "é 1.csv"),
            (r#"filename="=?utf-8?Q?=C3=A9_1=2Ecsv?=""#, "é 1.csv"),
            (r#"filename="=?iso-8859-1?q?=E9.csv?=""#, "é.csv"),
            (r#"filename="=?x.csv""#, "=?x.csv"),
            (r#"filename="100%.csv""#, "100%.csv"),
            (r#"filename="say \"x\".csv""#, "say \"x\".csv"),
            (r#"filename="C:\data\two.csv""#, "two.csv"),
            ("filename*=UTF-8''..%2F..%2Fa.csv", "a.csv"),
            ("filename*=UTF-8''a%00%0A.csv", "a.csv"),
            (r#"filename="""#, FALLBACK),
            ("filename*=nonsense''%E9.csv", FALLBACK),
            ("x=y", FALLBACK),
        ] {
            assert_eq!(name(parameters).await, expected, "{parameters}");
        }
        let long = format!("filename=\"{}\"", "é".repeat(1_000));
        assert_eq!(name(&long).await, "é".repeat(255));
    }
}
