//! Texts that people read, compared with committed files.

use insta::Settings;

/// Fails if the text differs from `tests/snapshots/<name>.snap`, which is the same for each
/// database. `INSTA_UPDATE=always cargo test` writes it anew.
#[track_caller]
pub fn assert_snapshot(name: &str, text: &str) {
    let mut settings = Settings::new();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// The text with `[placeholder]` instead of what stands between two marks, wherever it does so
/// within a line.
pub fn redact(text: &str, before: &str, placeholder: &str, after: &str) -> String {
    let mut redacted = String::new();
    for line in text.split_inclusive('\n') {
        let found = line.split_once(before).and_then(|(start, rest)| {
            let (_, end) = rest.split_once(after)?;
            Some(format!("{start}{before}[{placeholder}]{after}{end}"))
        });
        redacted.push_str(found.as_deref().unwrap_or(line));
    }
    redacted
}
