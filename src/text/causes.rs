use std::error::Error;

/// An error and its causes, each once: some errors already contain their cause.
#[must_use]
pub fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_said_once() {
        let cause = std::io::Error::other("disk full");
        let repeats = anyhow::Error::new(cause).context("cannot write: disk full");
        assert_eq!(causes(&*repeats), "cannot write: disk full");
        let plain = repeats.context("cannot ingest");
        assert_eq!(causes(&*plain), "cannot ingest: cannot write: disk full");
    }
}
