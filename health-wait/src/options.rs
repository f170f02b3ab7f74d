//! How health is asked for: the options that health-wait and ensure-up share.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use hyper::Method;
use proc_tree::cli::duration;
use serde::{Deserialize, Serialize};

use crate::expect::{Expectations, body::BodyPattern, json::JsonExpectation, status::StatusSet};

pub(crate) mod data;
pub(crate) mod header;
mod path;
mod word;

use data::Data;
use header::Header;

/// What an answer must be like, and how it is asked for.
///
/// They are arguments of a command line, and keys of a file or a record, in `snake_case` and with the same texts:
/// `attempt_timeout = "2s"`. A key that is missing means what the command line means without that option.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProbeOptions {
    /// HTTP statuses that are healthy, such as 200-299,401 (default: 200-399)
    #[arg(long, value_name = "LIST", help_heading = "Expectations")]
    #[serde(with = "word::optional")]
    pub(crate) expect_status: Option<StatusSet>,

    /// What the body must match
    #[arg(long, value_name = "REGEX", help_heading = "Expectations")]
    #[serde(with = "word::optional")]
    pub(crate) expect_body: Option<BodyPattern>,

    /// What must stand at a JSONPath of the body, such as $.status=ok; repeatable
    #[arg(long, value_name = "PATH=VALUE", help_heading = "Expectations")]
    #[serde(with = "word::list")]
    pub(crate) expect_json: Vec<JsonExpectation>,

    /// HTTP statuses that can only mean failure: the wait ends at once, with status 4
    #[arg(long, value_name = "LIST", help_heading = "Expectations")]
    #[serde(with = "word::optional")]
    pub(crate) fail_status: Option<StatusSet>,

    /// A body that can only mean failure: the wait ends at once, with status 4
    #[arg(long, value_name = "REGEX", help_heading = "Expectations")]
    #[serde(with = "word::optional")]
    pub(crate) fail_body: Option<BodyPattern>,

    /// How many times in a row the answer must be as awaited
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Expectations")]
    #[serde(deserialize_with = "word::deserialize")]
    pub consecutive: u32,

    /// For how long it must stay as awaited (a file: unchanged)
    #[arg(long, value_name = "DURATION", default_value = "0", value_parser = duration::parse, help_heading = "Expectations")]
    #[serde(with = "word")]
    pub stable: Duration,

    /// A header to send, such as 'Authorization: Bearer x'; repeatable
    #[arg(short = 'H', long, value_name = "NAME: VALUE", help_heading = "Request")]
    #[serde(with = "word::list")]
    pub(crate) header: Vec<Header>,

    /// The HTTP method (default: GET, with --data POST)
    #[arg(long, value_name = "METHOD", help_heading = "Request")]
    #[serde(with = "word::optional")]
    pub(crate) method: Option<Method>,

    /// A body to send: the text itself, or @FILE
    #[arg(long, value_name = "STRING|@FILE", help_heading = "Request")]
    #[serde(with = "word::optional")]
    pub(crate) data: Option<Data>,

    /// Follow redirects
    #[arg(long, help_heading = "Request")]
    pub(crate) follow: bool,

    /// Accept any certificate
    #[arg(long, help_heading = "Request")]
    pub(crate) insecure: bool,

    /// Trust the certificates of this PEM file, and no others
    #[arg(long, value_name = "FILE", help_heading = "Request")]
    #[serde(with = "path")]
    pub(crate) cacert: Option<PathBuf>,

    /// Show the server this certificate (PEM, with its chain)
    #[arg(long, value_name = "FILE", help_heading = "Request")]
    #[serde(with = "path")]
    pub(crate) cert: Option<PathBuf>,

    /// The key of --cert (default: it stands in the same file)
    #[arg(long, value_name = "FILE", requires = "cert", help_heading = "Request")]
    #[serde(with = "path")]
    pub(crate) key: Option<PathBuf>,

    /// How long one attempt may take (0: no limit)
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = duration::parse, help_heading = "Timing")]
    #[serde(with = "word")]
    pub(crate) attempt_timeout: Duration,

    /// Pause between attempts (default: adapts, from 1 ms up to 25 ms on this machine and 250 ms elsewhere)
    #[arg(long, value_name = "DURATION", value_parser = duration::parse_interval, help_heading = "Timing")]
    #[serde(with = "word::interval")]
    pub interval: Option<Duration>,

    /// Pause before the first attempt
    #[arg(long, value_name = "DURATION", default_value = "0", value_parser = duration::parse, help_heading = "Timing")]
    #[serde(with = "word")]
    pub initial_delay: Duration,
}

impl Default for ProbeOptions {
    fn default() -> Self {
        Self {
            expect_status: None,
            expect_body: None,
            expect_json: Vec::new(),
            fail_status: None,
            fail_body: None,
            consecutive: 1,
            stable: Duration::ZERO,
            header: Vec::new(),
            method: None,
            data: None,
            follow: false,
            insecure: false,
            cacert: None,
            cert: None,
            key: None,
            attempt_timeout: Duration::from_secs(2),
            interval: None,
            initial_delay: Duration::ZERO,
        }
    }
}

impl ProbeOptions {
    /// Names an option that was given and that only an HTTP answer can fulfil.
    pub fn needs_http(&self) -> Option<&'static str> {
        let given = [
            ("--expect-status", self.expect_status.is_some()),
            ("--expect-body", self.expect_body.is_some()),
            ("--expect-json", !self.expect_json.is_empty()),
            ("--fail-status", self.fail_status.is_some()),
            ("--fail-body", self.fail_body.is_some()),
            ("--data", self.data.is_some()),
        ];
        given.into_iter().find_map(|(name, given)| given.then_some(name))
    }

    /// Changes each path that it names.
    pub fn change_paths(&mut self, change: impl Fn(&Path) -> PathBuf) {
        for path in [&mut self.cacert, &mut self.cert, &mut self.key].into_iter().flatten() {
            *path = change(path);
        }
        if let Some(data) = &mut self.data {
            data.change_path(change);
        }
    }

    /// Tells whether an HTTP answer must be one server's and no other's.
    pub(crate) fn has_identity(&self) -> bool {
        !self.expect_json.is_empty() || self.expect_body.is_some()
    }

    /// Returns the same for one attempt that is made at once.
    #[must_use]
    pub fn for_one_attempt(&self) -> Self {
        Self { consecutive: 1, stable: Duration::ZERO, initial_delay: Duration::ZERO, ..self.clone() }
    }

    /// Returns what an HTTP answer must be like.
    pub(crate) fn expectations(&self) -> Expectations<'_> {
        Expectations {
            status: self.expect_status.as_ref(),
            body: self.expect_body.as_ref(),
            json: &self.expect_json,
            fail_status: self.fail_status.as_ref(),
            fail_body: self.fail_body.as_ref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        options: ProbeOptions,
    }

    #[test]
    fn the_default_is_what_an_empty_command_line_gives() {
        let parsed = Line::try_parse_from(["x"]).expect("nothing is required").options;
        assert_eq!(format!("{parsed:?}"), format!("{:?}", ProbeOptions::default()));
    }

    fn given(arguments: &[&str]) -> ProbeOptions {
        Line::try_parse_from([&["x"], arguments].concat()).expect("options").options
    }

    #[test]
    fn what_was_written_reads_the_same_again() {
        let everything = [
            "--expect-status=200-299,401",
            "--expect-body=^(ok|ready)$",
            "--expect-json=$.service=shop",
            "--expect-json=$.checks[?@.name=='db'].ok=true",
            "--fail-status=404",
            "--fail-body=out of memory",
            "--consecutive=3",
            "-HAuthorization: Bearer x",
            "-HX-Name: J\u{f6}rg: 7",
            "--method=HEAD",
            "--follow",
            "--insecure",
            "--cacert=/tmp/ca.pem",
            "--cert=/tmp/own.pem",
            "--key=/tmp/own.key",
            "--data=@/tmp/question",
            "--stable=2s",
            "--attempt-timeout=1m30s",
            "--interval=0.0000015",
            "--initial-delay=1500ms",
        ];
        for arguments in [&everything[..], &[]] {
            let options = given(arguments);
            let text = serde_json::to_string(&options).expect("options are text");
            assert_eq!(serde_json::from_str::<ProbeOptions>(&text).expect("the same options"), options, "{text}");
        }
        let odd = Some(std::os::unix::ffi::OsStringExt::from_vec(b"/tmp/\xff".to_vec()));
        let options = ProbeOptions { cacert: odd.map(std::ffi::OsString::into), ..ProbeOptions::default() };
        let text = serde_json::to_string(&options).expect("a path is text, or bytes");
        assert_eq!(serde_json::from_str::<ProbeOptions>(&text).expect("the same options"), options, "{text}");
    }

    #[test]
    fn keys_are_the_options_and_values_their_texts() {
        let document = serde_json::json!({
            "expect_status": 204, "expect_json": "$.a=b", "header": ["X: y"], "attempt_timeout": "2s", "interval": 0.5,
            "follow": true, "consecutive": 2,
        });
        let arguments = ["--expect-status=204", "--expect-json=$.a=b", "-HX: y", "--interval=500ms", "--follow"];
        let read: ProbeOptions = serde_json::from_value(document).expect("options");
        assert_eq!(read, ProbeOptions { consecutive: 2, ..given(&arguments) });
        assert_eq!(serde_json::from_str::<ProbeOptions>("{}").expect("nothing is required"), ProbeOptions::default());
    }

    #[test]
    fn what_is_wrong_in_a_document_is_named_as_on_the_command_line() {
        for (document, said) in [
            (r#"{"expect_stauts":"200"}"#, "unknown field `expect_stauts`"),
            (r#"{"expect_status":"2xx"}"#, "invalid status \"2xx\""),
            (r#"{"attempt_timeout":"soon"}"#, "invalid duration \"soon\""),
            (r#"{"attempt_timeout":-5}"#, "invalid duration \"-5\""),
            (r#"{"attempt_timeout":true}"#, "expected a string or a number"),
            (r#"{"consecutive":0}"#, "expected a number from 1"),
            (r#"{"header":["x"]}"#, "invalid header \"x\""),
            (r#"{"header":1}"#, "expected a string or an array of strings"),
            (r#"{"expect_body":"a("}"#, "invalid regular expression \"a(\""),
        ] {
            let error = serde_json::from_str::<ProbeOptions>(document).expect_err(document).to_string();
            assert!(error.contains(said), "{error}");
        }
    }

    /// A description that holds these options among others, in one table.
    #[derive(Debug, PartialEq, Deserialize, Serialize)]
    #[serde(deny_unknown_fields)]
    struct Description {
        port: u16,
        #[serde(flatten)]
        options: ProbeOptions,
    }

    #[test]
    fn a_description_can_hold_them_in_its_own_table() {
        let description = Description { port: 1, options: given(&["--interval=1s", "-HX: y", "--consecutive=2"]) };
        let text = serde_json::to_string(&description).expect("text");
        assert_eq!(serde_json::from_str::<Description>(&text).expect("the same"), description);
        let error = serde_json::from_str::<Description>(r#"{"port":1,"intervall":"1s"}"#).expect_err("no such key");
        assert!(error.to_string().contains("intervall"), "{error}");
    }
}
