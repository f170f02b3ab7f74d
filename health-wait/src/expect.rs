//! Whether an HTTP answer is the one that is awaited.

use hyper::StatusCode;

pub(crate) mod body;
mod effort;
pub(crate) mod json;
pub(crate) mod status;

use body::BodyPattern;
use json::JsonExpectation;
use status::{StatusSet, words};

use crate::reason::{Reason, Sign, quote};

/// What an answer must be like.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Expectations<'a> {
    pub(crate) status: Option<&'a StatusSet>,
    pub(crate) body: Option<&'a BodyPattern>,
    pub(crate) json: &'a [JsonExpectation],
    pub(crate) fail_status: Option<&'a StatusSet>,
    pub(crate) fail_body: Option<&'a BodyPattern>,
}

/// A body, as far as it was read.
#[derive(Debug, Default)]
pub(crate) struct Body {
    pub(crate) bytes: Vec<u8>,
    /// Whether it goes on beyond the most that is read of any.
    pub(crate) is_cut: bool,
}

impl Expectations<'_> {
    /// Tells whether the answer must have certain contents, so that another answer is not this server's.
    pub(crate) fn are_of_contents(&self) -> bool {
        self.status.is_some() || self.body.is_some() || !self.json.is_empty()
    }

    /// Tells whether the body decides anything once the status is known.
    pub(crate) fn needs_body(&self, status: StatusCode) -> bool {
        let is_looked_into = self.body.is_some() || !self.json.is_empty();
        self.fail_body.is_some() || (is_looked_into && self.accepts(status))
    }

    /// Tells whether the beginning of a body decides, whatever follows it: a stream has no end.
    pub(crate) fn is_decided_by(&self, beginning: &[u8]) -> bool {
        if let Some(pattern) = self.fail_body {
            return pattern.matches_whatever_follows(beginning);
        }
        // another document cannot follow the first
        let is_whole = || beginning.trim_ascii_end().ends_with(b"}") || beginning.trim_ascii_end().ends_with(b"]");
        let document = || serde_json::from_slice(beginning).ok();
        let is_json = || {
            is_whole()
                && document().is_some_and(|document| self.json.iter().all(|one| one.mismatch(&document).is_none()))
        };
        self.body.is_none_or(|pattern| pattern.matches_whatever_follows(beginning))
            && (self.json.is_empty() || is_json())
    }

    fn accepts(&self, status: StatusCode) -> bool {
        match self.status {
            Some(set) => set.contains(status.as_u16()),
            None => (200..400).contains(&status.as_u16()),
        }
    }

    /// Looks at the status alone: an answer that can only mean failure is one whatever its body.
    pub(crate) fn fails(&self, status: StatusCode) -> Option<Reason> {
        let fatal = self.fail_status.is_some_and(|set| set.contains(status.as_u16()));
        fatal.then(|| Reason::new(Sign::Failed, words(status)).with_status(status.as_u16()))
    }

    /// Looks at the whole answer.
    pub(crate) fn judge(&self, status: StatusCode, body: &Body) -> Result<(), Reason> {
        self.judge_body(status, body).map_err(|reason| reason.with_status(status.as_u16()))
    }

    fn judge_body(&self, status: StatusCode, body: &Body) -> Result<(), Reason> {
        let (body, is_cut) = (&body.bytes[..], body.is_cut);
        let said = || quote(&String::from_utf8_lossy(&body[..body.len().min(400)]));
        let matches = |pattern: &&BodyPattern| {
            if is_cut { pattern.matches_whatever_follows(body) } else { pattern.matches(body) }
        };
        if let Some(pattern) = self.fail_body.filter(matches) {
            return Err(Reason::new(Sign::Failed, format!("body matched {}: {}", quote(pattern.as_str()), said())));
        }
        if !self.accepts(status) {
            return Err(Reason::answered(words(status)));
        }
        if let Some(pattern) = self.body.filter(|pattern| !matches(pattern)) {
            // what is expected may stand where nobody looked
            let (sign, place) = if is_cut { (Sign::Unclear, " in its first MiB") } else { (Sign::Answered, "") };
            let pattern = quote(pattern.as_str());
            return Err(Reason::new(sign, format!("body did not match {pattern}{place}: {}", said())));
        }
        if self.json.is_empty() {
            return Ok(());
        }
        match serde_json::from_slice(body) {
            Ok(document) => self.json.iter().find_map(|one| one.mismatch(&document)).map_or(Ok(()), Err),
            Err(error) if is_cut && error.is_eof() => Err(Reason::new(Sign::Unclear, "body is longer than 1 MiB")),
            Err(_) => Err(Reason::answered(format!("body is not JSON: {}", said()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(expected: &Expectations<'_>, status: u16, body: &str) -> Result<(), String> {
        let status = StatusCode::from_u16(status).expect("a status");
        let judged = expected.judge(status, &Body { bytes: body.into(), is_cut: false });
        judged.map_err(|reason| format!("{:?}: {reason}", reason.sign))
    }

    #[test]
    fn without_expectations_everything_from_200_to_399_is_healthy() {
        let nothing = Expectations::default();
        for (status, healthy) in [(200, true), (399, true), (199, false), (400, false), (503, false)] {
            assert_eq!(judge(&nothing, status, "").is_ok(), healthy, "{status}");
        }
        assert_eq!(judge(&nothing, 503, ""), Err("Answered: 503 Service Unavailable".into()));
        assert_eq!(judge(&nothing, 599, ""), Err("Answered: 599".into()));
    }

    #[test]
    fn all_expectations_must_hold_and_the_first_that_does_not_is_named() {
        let json = ["$.status=ready", "$.n=1"].map(|text| text.parse().expect("an expectation"));
        let expected = Expectations {
            status: Some(&"200,401".parse().expect("a set")),
            body: Some(&"rea?dy".parse().expect("a pattern")),
            json: &json,
            ..Expectations::default()
        };
        for (status, body, said) in [
            (200, r#"{"status":"ready","n":1}"#, Ok(())),
            (401, r#"{"status":"ready","n":1}"#, Ok(())),
            (204, "ready", Err("Answered: 204 No Content")),
            (200, "starting", Err(r#"Answered: body did not match "rea?dy": "starting""#)),
            (200, "ready", Err(r#"Answered: body is not JSON: "ready""#)),
            (200, r#"{"status":"ready","n":2}"#, Err(r"Answered: $.n is 2, expected 1")),
        ] {
            assert_eq!(judge(&expected, status, body), said.map_err(Into::into), "{status} {body}");
        }
    }

    #[test]
    fn what_is_not_in_the_part_that_was_read_may_be_in_the_rest() {
        let (pattern, json) = ("ok$".parse().expect("a pattern"), ["$.a=1".parse().expect("an expectation")]);
        let (body, json) = (
            Expectations { body: Some(&pattern), ..Expectations::default() },
            Expectations { json: &json, ..Expectations::default() },
        );
        for (expected, beginning, sign) in [
            (body, "ok\n", None),
            (body, "starting", Some(Sign::Unclear)),
            (body, "ok", Some(Sign::Unclear)),
            (json, "{\"a\":1,", Some(Sign::Unclear)),
            (json, "{\"a\":2} ", Some(Sign::Answered)),
            (json, "<html>", Some(Sign::Answered)),
        ] {
            let beginning = Body { bytes: beginning.into(), is_cut: true };
            let judged = expected.judge(StatusCode::OK, &beginning);
            assert_eq!(judged.map_err(|reason| reason.sign).err(), sign, "{expected:?} {beginning:?}");
        }
    }

    #[test]
    fn the_body_is_needed_where_it_decides() {
        let (pattern, json) = ("ok".parse().expect("a pattern"), ["$.a=1".parse().expect("an expectation")]);
        let nothing = Expectations::default();
        for (expected, of_200, of_500) in [
            (nothing, false, false),
            (Expectations { body: Some(&pattern), ..nothing }, true, false),
            (Expectations { json: &json, ..nothing }, true, false),
            (Expectations { fail_body: Some(&pattern), ..nothing }, true, true),
        ] {
            let needs = [StatusCode::OK, StatusCode::INTERNAL_SERVER_ERROR].map(|status| expected.needs_body(status));
            assert_eq!(needs, [of_200, of_500], "{expected:?}");
        }
    }

    #[test]
    fn what_is_asked_of_the_contents_tells_servers_apart_and_a_failure_does_not() {
        let (statuses, pattern) = ("200".parse().expect("a set"), "ok".parse().expect("a pattern"));
        let (json, nothing) = (["$.a=1".parse().expect("an expectation")], Expectations::default());
        for (expected, are_of_contents) in [
            (nothing, false),
            (Expectations { status: Some(&statuses), ..nothing }, true),
            (Expectations { body: Some(&pattern), ..nothing }, true),
            (Expectations { json: &json, ..nothing }, true),
            (Expectations { fail_body: Some(&pattern), fail_status: Some(&statuses), ..nothing }, false),
        ] {
            assert_eq!(expected.are_of_contents(), are_of_contents, "{expected:?}");
        }
    }

    #[test]
    fn a_beginning_decides_where_nothing_that_follows_can_undo_it() {
        let pattern = "1".parse().expect("a pattern");
        let [object, list, bare] = ["$.a=1", "$[0]=1", "$=1"].map(|text| [text.parse().expect("an expectation")]);
        let nothing = Expectations::default();
        let of = |json| Expectations { json, ..nothing };
        for (expected, beginning, is_decided) in [
            (Expectations { body: Some(&pattern), ..nothing }, "1", true),
            (Expectations { body: Some(&pattern), ..nothing }, "2", false),
            (Expectations { fail_body: Some(&pattern), ..nothing }, "1", true),
            (Expectations { fail_body: Some(&pattern), ..nothing }, "2", false),
            (of(&object), "{\"a\":1}\n", true),
            (of(&object), "{\"a\":1", false),
            (of(&object), "{\"a\":2}", false),
            (of(&list), "[1]", true),
            // it may be the beginning of 10
            (of(&bare), "1", false),
            (Expectations { body: Some(&pattern), ..of(&object) }, "{\"a\":1}", true),
            (Expectations { body: Some(&pattern), ..of(&object) }, "{\"b\":1}", false),
        ] {
            assert_eq!(expected.is_decided_by(beginning.as_bytes()), is_decided, "{expected:?} {beginning}");
        }
    }

    #[test]
    fn a_fatal_body_counts_whatever_the_status() {
        let pattern = "out of memory".parse().expect("a pattern");
        let expected = Expectations { fail_body: Some(&pattern), ..Expectations::default() };
        for status in [200, 500] {
            let said = r#"Failed: body matched "out of memory": "CUDA out of memory""#;
            assert_eq!(judge(&expected, status, "CUDA out of memory"), Err(said.into()));
        }
        assert_eq!(judge(&expected, 200, "fine"), Ok(()));
    }

    #[test]
    fn a_fatal_status_is_known_before_the_body() {
        let statuses = "404,500-599".parse().expect("a set");
        let expected = Expectations { fail_status: Some(&statuses), ..Expectations::default() };
        let failed = |status| expected.fails(StatusCode::from_u16(status).expect("a status"));
        assert_eq!(failed(404), Some(Reason::new(Sign::Failed, "404 Not Found").with_status(404)));
        assert_eq!(failed(403), None);
    }
}
