//! How health is asked for: the options that health-wait and ensure-up share.

use std::{path::PathBuf, str::FromStr, time::Duration};

use hyper::{
    Method,
    header::{HeaderName, HeaderValue},
};
use proc_tree::cli::duration;

use crate::{
    body::{BodyPattern, JsonExpectation},
    status_set::StatusSet,
};

/// What an answer must be like, and how it is asked for.
#[derive(Debug, Clone, clap::Args)]
pub struct Settings {
    /// HTTP statuses that are healthy, such as 200-299,401 (default: 200-399)
    #[arg(long, value_name = "LIST", help_heading = "Expectations")]
    pub expect_status: Option<StatusSet>,

    /// What the body must match
    #[arg(long, value_name = "REGEX", help_heading = "Expectations")]
    pub expect_body: Option<BodyPattern>,

    /// What must stand at a JSONPath of the body, such as $.status=ok; repeatable
    #[arg(long, value_name = "PATH=VALUE", help_heading = "Expectations")]
    pub expect_json: Vec<JsonExpectation>,

    /// HTTP statuses that can only mean failure: the wait ends at once, with status 4
    #[arg(long, value_name = "LIST", help_heading = "Expectations")]
    pub fail_status: Option<StatusSet>,

    /// A body that can only mean failure: the wait ends at once, with status 4
    #[arg(long, value_name = "REGEX", help_heading = "Expectations")]
    pub fail_body: Option<BodyPattern>,

    /// How many times in a row the answer must be as awaited
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Expectations")]
    pub consecutive: u32,

    /// A header to send, such as 'Authorization: Bearer x'; repeatable
    #[arg(short = 'H', long, value_name = "NAME: VALUE", help_heading = "Request")]
    pub header: Vec<Header>,

    /// The HTTP method
    #[arg(long, value_name = "METHOD", default_value = "GET", help_heading = "Request")]
    pub method: Method,

    /// Follow redirects
    #[arg(long, help_heading = "Request")]
    pub follow: bool,

    /// Accept any certificate
    #[arg(long, help_heading = "Request")]
    pub insecure: bool,

    /// Trust the certificates of this PEM file, and no others
    #[arg(long, value_name = "FILE", help_heading = "Request")]
    pub cacert: Option<PathBuf>,

    /// How long one attempt may take (0: no limit)
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = duration::parse, help_heading = "Timing")]
    pub attempt_timeout: Duration,

    /// Pause between attempts (default: adapts, from 1 ms up to 25 ms on this machine and 250 ms elsewhere)
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, help_heading = "Timing")]
    pub interval: Option<Duration>,

    /// Pause before the first attempt
    #[arg(long, value_name = "DURATION", default_value = "0", value_parser = duration::parse, help_heading = "Timing")]
    pub initial_delay: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            expect_status: None,
            expect_body: None,
            expect_json: Vec::new(),
            fail_status: None,
            fail_body: None,
            consecutive: 1,
            header: Vec::new(),
            method: Method::GET,
            follow: false,
            insecure: false,
            cacert: None,
            attempt_timeout: Duration::from_secs(2),
            interval: None,
            initial_delay: Duration::ZERO,
        }
    }
}

impl Settings {
    /// Names an option that was given and that only an HTTP answer can fulfil.
    pub fn needs_http(&self) -> Option<&'static str> {
        let given = [
            ("--expect-status", self.expect_status.is_some()),
            ("--expect-body", self.expect_body.is_some()),
            ("--expect-json", !self.expect_json.is_empty()),
            ("--fail-status", self.fail_status.is_some()),
            ("--fail-body", self.fail_body.is_some()),
        ];
        given.into_iter().find_map(|(name, given)| given.then_some(name))
    }

    /// Tells whether the answer must have certain contents, so that another answer is not this server's.
    pub(crate) fn expects_contents(&self) -> bool {
        self.expect_status.is_some() || self.expect_body.is_some() || !self.expect_json.is_empty()
    }

    /// Returns the time limit of an attempt.
    pub(crate) fn attempt_limit(&self) -> Option<Duration> {
        Some(self.attempt_timeout).filter(|limit| !limit.is_zero())
    }
}

/// A header of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    pub(crate) name: HeaderName,
    pub(crate) value: HeaderValue,
}

/// A text that is no header.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid header {0:?}: expected 'Name: value'")]
pub struct InvalidHeader(String);

impl FromStr for Header {
    type Err = InvalidHeader;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidHeader(text.to_owned());
        let (name, value) = text.split_once(':').ok_or_else(invalid)?;
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid())?;
        // a value may be any text; only line ends and other controls would change the request
        let value = HeaderValue::from_bytes(value.trim().as_bytes()).map_err(|_| invalid())?;
        Ok(Self { name, value })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        settings: Settings,
    }

    #[test]
    fn the_default_is_what_an_empty_command_line_gives() {
        let parsed = Line::try_parse_from(["x"]).expect("nothing is required").settings;
        assert_eq!(format!("{parsed:?}"), format!("{:?}", Settings::default()));
    }

    #[test]
    fn a_header_has_a_name_and_a_value() {
        let header: Header = "X-Key:  a: b ".parse().expect("a header");
        assert_eq!((header.name.as_str(), header.value.to_str().ok()), ("x-key", Some("a: b")));
        for text in ["", "x", ": y", "a b: c", "x: a\nb"] {
            let error = text.parse::<Header>().expect_err(text).to_string();
            assert!(error.starts_with(&format!("invalid header {text:?}: ")), "{error}");
        }
    }
}
