//! A pattern that a body must match.

use std::{fmt, str::FromStr};

use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::{ParserBuilder, hir::Look};

/// A regular expression for a body, whatever its encoding. As grep(1) has it, `^` and `$` are begin and end of a line.
#[derive(Debug, Clone)]
pub(crate) struct BodyPattern {
    pattern: Regex,
    /// Whether what follows a match can undo it, as it does for `ok$`.
    looks_ahead: bool,
}

/// A text that is no regular expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid regular expression {text:?}: {reason}")]
pub(crate) struct InvalidPattern {
    text: String,
    reason: String,
}

impl BodyPattern {
    /// Tells whether the body matches anywhere.
    pub(crate) fn matches(&self, body: &[u8]) -> bool {
        self.pattern.is_match(body)
    }

    /// Tells whether a body that begins so matches, whatever follows. A pattern looks ahead by one character at most.
    pub(crate) fn matches_whatever_follows(&self, beginning: &[u8]) -> bool {
        self.pattern.find(beginning).is_some_and(|found| !self.looks_ahead || found.end() < beginning.len())
    }

    /// Returns the pattern as it was written.
    pub(crate) fn as_str(&self) -> &str {
        self.pattern.as_str()
    }
}

impl fmt::Display for BodyPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl PartialEq for BodyPattern {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for BodyPattern {}

impl FromStr for BodyPattern {
    type Err = InvalidPattern;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let pattern = RegexBuilder::new(text).multi_line(true).crlf(true).build().map_err(|error| {
            // the library draws the pattern over several lines and says what is wrong in the last one
            let said = error.to_string();
            let last = said.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            InvalidPattern { text: text.to_owned(), reason: last }
        })?;
        Ok(Self { pattern, looks_ahead: looks_ahead(text) })
    }
}

fn looks_ahead(text: &str) -> bool {
    let parsed = ParserBuilder::new().utf8(false).multi_line(true).crlf(true).build().parse(text);
    parsed.map_or(true, |parsed| {
        let looks = parsed.properties().look_set();
        looks.iter().any(|look| !matches!(look, Look::Start | Look::StartLF | Look::StartCRLF))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_matches_only_where_nothing_that_follows_can_undo_it() {
        for (pattern, beginning, expected) in [
            ("ready", "data: ready", true),
            ("^ready", "ready", true),
            ("ready$", "ready", false),
            ("ready$", "ready\n", true),
            ("(?-m)ready$", "ready\n", false),
            ("^ok$", "a\r\nok\r\nb", true),
            ("^ok$", "not ok\n", false),
            (r"ready\b", "ready", false),
            (r"ready\b", "ready\n", true),
            ("rea.*", "ready", true),
            ("steady", "ready", false),
        ] {
            let pattern: BodyPattern = pattern.parse().expect("a pattern");
            assert_eq!(pattern.matches_whatever_follows(beginning.as_bytes()), expected, "{pattern} {beginning:?}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_quoted_and_says_why() {
        let error = "a(".parse::<BodyPattern>().expect_err("an open group").to_string();
        assert_eq!(error, "invalid regular expression \"a(\": unclosed group");
    }

    #[test]
    fn a_pattern_is_what_was_written() {
        let pattern = |text: &str| text.parse::<BodyPattern>().expect("a pattern");
        assert_eq!(pattern("rea?dy").to_string(), "rea?dy");
        assert_eq!(pattern("rea?dy"), pattern("rea?dy"));
        assert_ne!(pattern("rea?dy"), pattern("ready"));
    }
}
