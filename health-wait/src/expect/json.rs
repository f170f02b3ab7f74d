//! A value that must stand at a path of a JSON body.

use std::{fmt, str::FromStr};

use serde_json::Value;
use serde_json_path::JsonPath;

use super::effort::{Effort, MOST_STEPS};
use crate::reason::{Reason, Sign, brief, quote};

/// A value that must stand at an RFC 9535 JSONPath of the body: `$.status=ok`.
///
/// The value is what the path's text would be: `ok` is the string, `3`, `true` and `null` stand for themselves and for
/// the strings that read the same, `"3"` in quotes is the string alone. Where the path selects several values, as
/// `$.checks[*].ok` does, all of them must be equal to it.
#[derive(Debug, Clone)]
pub(crate) struct JsonExpectation {
    path: JsonPath,
    path_text: String,
    effort: Effort,
    value: String,
    json: Option<Value>,
}

/// A text that is no `PATH=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid JSON expectation {text:?}: {reason}")]
pub(crate) struct InvalidExpectation {
    text: String,
    reason: String,
}

impl JsonExpectation {
    /// Tells what is wrong with the document; `None` when it is as expected.
    pub(crate) fn mismatch(&self, document: &Value) -> Option<Reason> {
        if self.effort.steps(document) > MOST_STEPS {
            let unasked = format!("{} may take more than {MOST_STEPS} steps in a body like this", self.path_text);
            return Some(Reason::new(Sign::Unclear, unasked));
        }
        let found = self.path.query(document);
        if found.is_empty() {
            return Some(Reason::answered(format!("{} is missing, expected {}", self.path_text, self.expected())));
        }
        let wrong = found.iter().find(|node| !self.equals(node))?;
        Some(Reason::answered(format!("{} is {}, expected {}", self.path_text, shown(wrong), self.expected())))
    }

    fn expected(&self) -> String {
        self.json.as_ref().map_or_else(|| quote(&self.value), shown)
    }

    fn equals(&self, node: &Value) -> bool {
        if node.as_str() == Some(&self.value) {
            return true;
        }
        match (&self.json, node) {
            (Some(Value::Number(expected)), Value::Number(found)) => {
                // 3 and 3.0 are one JSON number; of two integers every digit counts
                let is_with_fraction = expected.is_f64() || found.is_f64();
                expected == found || (is_with_fraction && expected.as_f64() == found.as_f64())
            }
            (Some(expected), found) => expected == found,
            (None, _) => false,
        }
    }
}

impl fmt::Display for JsonExpectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.path_text, self.value)
    }
}

impl PartialEq for JsonExpectation {
    fn eq(&self, other: &Self) -> bool {
        (&self.path_text, &self.value) == (&other.path_text, &other.value)
    }
}

impl Eq for JsonExpectation {}

/// Shows a value as JSON has it, short and safe.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => quote(text),
        other => brief(&other.to_string()),
    }
}

impl FromStr for JsonExpectation {
    type Err = InvalidExpectation;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = |reason: String| InvalidExpectation { text: text.to_owned(), reason };
        let mut wrong = None;
        // a path may hold = itself, as in $.checks[?@.name=='db'].ok=true: the first one that ends a path is meant
        for (at, _) in text.match_indices('=') {
            let (path, value) = (&text[..at], &text[at + 1..]);
            match JsonPath::parse(path) {
                Ok(parsed) => {
                    return Ok(Self {
                        path: parsed,
                        path_text: path.to_owned(),
                        effort: Effort::of(path),
                        value: value.to_owned(),
                        json: serde_json::from_str(value).ok(),
                    });
                }
                Err(error) => wrong = wrong.or(Some(error.message().to_owned())),
            }
        }
        Err(invalid(match wrong {
            Some(reason) => format!("no JSONPath before the = ({reason})"),
            None => "expected PATH=VALUE such as $.status=ok".to_owned(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mismatch(expectation: &str, document: &str) -> Option<String> {
        let expectation: JsonExpectation = expectation.parse().unwrap_or_else(|error| panic!("{error}"));
        let mismatch = expectation.mismatch(&serde_json::from_str(document).expect("a document"));
        mismatch.map(|reason| reason.text)
    }

    #[test]
    fn values_of_every_type_are_compared() {
        for (expectation, document) in [
            ("$.status=ok", r#"{"status":"ok"}"#),
            ("$.status=", r#"{"status":""}"#),
            ("$.status=a=b", r#"{"status":"a=b"}"#),
            ("$.n=3", r#"{"n":3}"#),
            ("$.n=3", r#"{"n":3.0}"#),
            ("$.n=3", r#"{"n":"3"}"#),
            ("$.n=\"3\"", r#"{"n":"3"}"#),
            ("$.n=-1.5e3", r#"{"n":-1500}"#),
            ("$.up=true", r#"{"up":true}"#),
            ("$.error=null", r#"{"error":null}"#),
            ("$.list=[1,2]", r#"{"list":[1,2]}"#),
            ("$['a b'].c=1", r#"{"a b":{"c":1}}"#),
            ("$.checks[*].ok=true", r#"{"checks":[{"ok":true},{"ok":true}]}"#),
            ("$.checks[?@.name==\"db\"].ok=true", r#"{"checks":[{"name":"db","ok":true},{"name":"x","ok":false}]}"#),
            ("$=ok", r#""ok""#),
        ] {
            assert_eq!(mismatch(expectation, document), None, "{expectation} in {document}");
        }
    }

    #[test]
    fn a_mismatch_says_what_came_instead() {
        for (expectation, document, said) in [
            ("$.status=ok", r#"{"status":"starting"}"#, r#"$.status is "starting", expected "ok""#),
            ("$.status=ok", "{}", r#"$.status is missing, expected "ok""#),
            ("$.n=\"3\"", r#"{"n":3}"#, r#"$.n is 3, expected "3""#),
            // one number as floating point has it
            ("$.n=9007199254740993", r#"{"n":9007199254740992}"#, "$.n is 9007199254740992, expected 9007199254740993"),
            ("$.up=true", r#"{"up":false}"#, r"$.up is false, expected true"),
            ("$.up=true", r#"{"up":null}"#, r"$.up is null, expected true"),
            ("$.c[*].ok=1", r#"{"c":[{"ok":1},{"ok":2}]}"#, r"$.c[*].ok is 2, expected 1"),
            ("$.s=x", "{\"s\":\"\\u001b[2J\"}", r#"$.s is "\u{1b}[2J", expected "x""#),
        ] {
            assert_eq!(mismatch(expectation, document).as_deref(), Some(said));
        }
    }

    #[test]
    fn what_is_no_path_with_a_value_is_quoted() {
        for text in ["", "$.status", "status=ok", "$.=x", "=x"] {
            let error = text.parse::<JsonExpectation>().expect_err(text).to_string();
            assert!(error.starts_with(&format!("invalid JSON expectation {text:?}: ")), "{error}");
        }
    }

    #[test]
    fn an_expectation_is_what_was_written() {
        let expectation = |text: &str| text.parse::<JsonExpectation>().expect("an expectation");
        assert_eq!(expectation("$['a'].b=x=y").to_string(), "$['a'].b=x=y");
        assert_eq!(expectation("$.a=1"), expectation("$.a=1"));
        assert_ne!(expectation("$.a=1"), expectation("$.a=2"));
        assert_ne!(expectation("$.a=1"), expectation("$.b=1"));
    }

    #[test]
    fn a_query_that_may_take_too_long_is_not_made() {
        let refused = "$[?match(@,'x')] may take more than 4000000 steps in a body like this";
        let missing = "$[?match(@,'x')] is missing, expected 1";
        // four thousand steps for each value: its own, and those in it
        for (values, said) in [(999, missing), (1_000, refused)] {
            let list = serde_json::json!(vec![0; values]).to_string();
            assert_eq!(mismatch("$[?match(@,'x')]=1", &list).as_deref(), Some(said), "{values}");
        }
    }
}
