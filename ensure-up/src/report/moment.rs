//! Moments in what is told: records have them in UTC, to the second; a person reads them in local time, to the minute.

use std::{borrow::Cow, sync::LazyLock, time::SystemTime};

use proc_tree::cli::clock;
use regex::{Captures, Regex};

/// A moment as records have it, RFC 3339.
static MOMENT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\b").ok());

/// Writes the moments in a text as people say them.
pub fn local(text: &str) -> Cow<'_, str> {
    // most have none, and to make the pattern takes longer than all else that a failure is told by
    if !text.contains('Z') {
        return Cow::Borrowed(text);
    }
    let Some(pattern) = MOMENT.as_ref() else { return Cow::Borrowed(text) };
    let said = |found: &Captures<'_>| {
        let at = humantime::parse_rfc3339(&found[0]).ok();
        at.and_then(|at| clock::minute(at, SystemTime::now())).unwrap_or_else(|| found[0].to_owned())
    };
    pattern.replace_all(text, said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_told_to_the_minute_and_everything_else_as_it_is() {
        for text in
            ["", "ended with status 0", "GET /Z", "at 2026-11-21", "x2026-11-21T21:55:49Z", "2026-99-21T21:55:49Z"]
        {
            assert_eq!(local(text), text);
        }
        let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        let said = local(&format!("given up at {now}: 6 crashes")).into_owned();
        let time = said.strip_prefix("given up at ").and_then(|said| said.strip_suffix(": 6 crashes"));
        assert!(time.is_some_and(|time| time.len() == 5 && time.as_bytes()[2] == b':'), "{said}");
    }
}
