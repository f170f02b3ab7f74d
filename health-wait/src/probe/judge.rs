//! Whether an HTTP answer is the one that is awaited.

use hyper::StatusCode;

use super::Answer;
use crate::{
    options::ProbeOptions,
    reason::{Reason, Sign, quote},
};

impl ProbeOptions {
    /// Tells whether the body decides anything once the status is known.
    pub(super) fn needs_body(&self, status: StatusCode) -> bool {
        self.fail_body.is_some() || self.accepts(status)
    }

    fn accepts(&self, status: StatusCode) -> bool {
        match &self.expect_status {
            Some(set) => set.contains(status.as_u16()),
            None => (200..400).contains(&status.as_u16()),
        }
    }

    /// Looks at the status alone: an answer that can only mean failure is one whatever its body.
    pub(super) fn fails(&self, status: StatusCode) -> Option<Reason> {
        let fatal = self.fail_status.as_ref().is_some_and(|set| set.contains(status.as_u16()));
        fatal.then(|| Reason::new(Sign::Failed, words(status)).with_status(status.as_u16()))
    }

    /// Looks at the whole answer.
    pub(super) fn judge(&self, status: StatusCode, body: &[u8]) -> Result<Answer, Reason> {
        self.judge_body(status, body).map_err(|reason| reason.with_status(status.as_u16()))?;
        Ok(Answer { does: format!("answers {}", words(status)), status: Some(status.as_u16()) })
    }

    fn judge_body(&self, status: StatusCode, body: &[u8]) -> Result<(), Reason> {
        let said = || quote(&String::from_utf8_lossy(&body[..body.len().min(400)]));
        if let Some(pattern) = self.fail_body.as_ref().filter(|pattern| pattern.matches(body)) {
            return Err(Reason::new(Sign::Failed, format!("body matched {}: {}", quote(pattern.as_str()), said())));
        }
        if !self.accepts(status) {
            return Err(Reason::answered(words(status)));
        }
        if let Some(pattern) = self.expect_body.as_ref().filter(|pattern| !pattern.matches(body)) {
            return Err(Reason::answered(format!("body did not match {}: {}", quote(pattern.as_str()), said())));
        }
        if self.expect_json.is_empty() {
            return Ok(());
        }
        let document =
            serde_json::from_slice(body).map_err(|_| Reason::answered(format!("body is not JSON: {}", said())))?;
        match self.expect_json.iter().find_map(|expectation| expectation.mismatch(&document)) {
            Some(mismatch) => Err(Reason::answered(mismatch)),
            None => Ok(()),
        }
    }
}

/// Words a status by its registered name: what the server calls it is foreign text that adds nothing.
pub(super) fn words(status: StatusCode) -> String {
    match status.canonical_reason() {
        Some(name) => format!("{} {name}", status.as_u16()),
        None => status.as_u16().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(options: &ProbeOptions, status: u16, body: &str) -> Result<String, String> {
        let status = StatusCode::from_u16(status).expect("a status");
        let judged = options.judge(status, body.as_bytes());
        judged.map(|answer| answer.does).map_err(|reason| format!("{:?}: {reason}", reason.sign))
    }

    #[test]
    fn without_expectations_everything_from_200_to_399_is_healthy() {
        for (status, healthy) in [(200, true), (399, true), (199, false), (400, false), (503, false)] {
            assert_eq!(judge(&ProbeOptions::default(), status, "").is_ok(), healthy, "{status}");
        }
        assert_eq!(judge(&ProbeOptions::default(), 503, ""), Err("Answered: 503 Service Unavailable".into()));
        assert_eq!(judge(&ProbeOptions::default(), 599, ""), Err("Answered: 599".into()));
        assert_eq!(judge(&ProbeOptions::default(), 204, ""), Ok("answers 204 No Content".into()));
    }

    #[test]
    fn all_expectations_must_hold_and_the_first_that_does_not_is_named() {
        let options = ProbeOptions {
            expect_status: Some("200,401".parse().expect("a set")),
            expect_body: Some("rea?dy".parse().expect("a pattern")),
            expect_json: vec![
                "$.status=ready".parse().expect("an expectation"),
                "$.n=1".parse().expect("an expectation"),
            ],
            ..ProbeOptions::default()
        };
        for (status, body, said) in [
            (200, r#"{"status":"ready","n":1}"#, Ok("answers 200 OK")),
            (401, r#"{"status":"ready","n":1}"#, Ok("answers 401 Unauthorized")),
            (204, "ready", Err("Answered: 204 No Content")),
            (200, "starting", Err(r#"Answered: body did not match "rea?dy": "starting""#)),
            (200, "ready", Err(r#"Answered: body is not JSON: "ready""#)),
            (200, r#"{"status":"ready","n":2}"#, Err(r"Answered: $.n is 2, expected 1")),
        ] {
            assert_eq!(judge(&options, status, body), said.map(Into::into).map_err(Into::into), "{status} {body}");
        }
    }

    #[test]
    fn a_fatal_body_counts_whatever_the_status() {
        let fail_body = Some("out of memory".parse().expect("a pattern"));
        let options = ProbeOptions { fail_body, ..ProbeOptions::default() };
        for status in [200, 500] {
            let said = r#"Failed: body matched "out of memory": "CUDA out of memory""#;
            assert_eq!(judge(&options, status, "CUDA out of memory"), Err(said.into()));
        }
        assert_eq!(judge(&options, 200, "fine"), Ok("answers 200 OK".into()));
    }
}
