//! A pattern that a body must match.

use std::{fmt, str::FromStr};

use regex::bytes::Regex;

/// A regular expression for a body, whatever its encoding.
#[derive(Debug, Clone)]
pub(crate) struct BodyPattern(Regex);

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
        self.0.is_match(body)
    }

    /// Returns the pattern as it was written.
    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
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
        Regex::new(text).map(Self).map_err(|error| {
            // the library draws the pattern over several lines and says what is wrong in the last one
            let said = error.to_string();
            let last = said.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            InvalidPattern { text: text.to_owned(), reason: last }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_pattern_is_quoted_and_says_why() {
        let error = "a(".parse::<BodyPattern>().expect_err("an open group").to_string();
        assert_eq!(error, "invalid regular expression \"a(\": unclosed group");
    }
}
