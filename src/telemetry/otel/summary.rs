/// What a statement does and to which table, such as `SELECT segment`, by which spans are grouped.
pub(super) fn summary(statement: &str) -> String {
    let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    let mut words = statement
        .split(|c: char| !is_name(c) && c != '(')
        .filter(|word| !word.is_empty());
    let verb = words.next().unwrap_or("statement").to_ascii_uppercase();
    if ["PRAGMA", "SET", "LOCK"].contains(&verb.as_str()) {
        return verb;
    }
    let mut is_table = verb == "UPDATE";
    for word in words {
        // The table of a subquery comes later.
        if is_table && word.starts_with(is_name) && !word.eq_ignore_ascii_case("only") {
            let end = word.find('(').unwrap_or(word.len());
            return format!("{verb} {}", &word[..end]);
        }
        is_table = ["from", "into"]
            .iter()
            .any(|before| word.eq_ignore_ascii_case(before));
    }
    verb
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_a_verb_and_a_table() {
        for (statement, expected) in [
            (
                r#"SELECT "id", "name" FROM "segment" WHERE "id" = ?"#,
                "SELECT segment",
            ),
            ("select count(*) from (select 1 from trip)", "SELECT trip"),
            (
                "WITH a AS (SELECT 1 FROM patch) SELECT * FROM a",
                "WITH patch",
            ),
            (
                "INSERT INTO cell_week(cell, week) VALUES ($1, $2)",
                "INSERT cell_week",
            ),
            (r#"UPDATE "ingestion" SET "state" = $1"#, "UPDATE ingestion"),
            ("DELETE FROM public.worker", "DELETE public.worker"),
            ("PRAGMA synchronous = FULL", "PRAGMA"),
            ("COMMIT", "COMMIT"),
            ("SELECT 1", "SELECT"),
            ("", "STATEMENT"),
        ] {
            assert_eq!(summary(statement), expected, "{statement}");
        }
    }
}
