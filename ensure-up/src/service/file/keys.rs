//! The reference of the services file, `docs/ensure-up.toml.md`: each key, made from the type that reads it.

use std::{fmt::Write, fs};

use clap::{Arg, Args, Command};
use serde_json::Value;

use super::{Config, FILE, keys_by_default};
use crate::ServiceSpec;

#[path = "../../../../tests/support/page.rs"]
mod page;

/// What each key may look like; none is as by default.
const EXAMPLES: [&str; 51] = [
    "command = [\"uv\", \"run\", \"serve\", \"--port\", \"{port}\"]",
    "port = \"3001-3099\"",
    "health = [\"/health\", \"unix:app.sock\"]",
    "once = true",
    "timeout = \"2m\"",
    "depends_on = [\"db\"]",
    "adopt = \"never\"",
    "match = \"uvicorn .*shop\"",
    "restart = true",
    "restart_if_changed = true",
    "replace = true",
    "new = true",
    "env = { DATABASE = \"postgres://localhost:{db.port}/shop\", WORKERS = 4 }",
    "env_file = [\".env\", \".env.local\"]",
    "cwd = \"backend\"",
    "log = \"logs/api-{port}.log\"",
    "log_keep = 10",
    "log_max_size = \"50M\"",
    "ready_log = \"Application startup complete\"",
    "fail_log = \"out of memory|Traceback\"",
    "ready_notify = true",
    "expect_status = \"200-299,401\"",
    "expect_body = \"^(ok|ready)$\"",
    "expect_json = \"$.service=shop\"",
    "fail_status = \"401,404\"",
    "fail_body = \"migration failed\"",
    "consecutive = 3",
    "stable = \"2s\"",
    "header = \"Authorization: Bearer ${TOKEN:-none}\"",
    "method = \"HEAD\"",
    "data = \"@question.json\"",
    "follow = true",
    "insecure = true",
    "cacert = \"certs/ca.pem\"",
    "cert = \"certs/client.pem\"",
    "key = \"certs/client.key\"",
    "attempt_timeout = \"10s\"",
    "interval = \"500ms\"",
    "initial_delay = \"1s\"",
    "stop_signal = \"INT\"",
    "grace = \"30s\"",
    "keep_up = true",
    "backoff = \"500ms..30s\"",
    "max_restarts = \"10/5m\"",
    "restart_on = \"always\"",
    "reload_on = [\"src/**/*.py\", \"!**/test_*.py\"]",
    "liveness = 3",
    "hold_socket = true",
    "max_memory = \"80%\"",
    "idle_stop = \"30m\"",
    "owner = \"${OWNER:-1}\"",
];

fn key_of(example: &str) -> &str {
    example.split_once(" = ").map_or(example, |(key, _)| key)
}

#[test]
fn the_reference_has_every_key_as_the_program_reads_it() {
    let options = ServiceSpec::augment_args(Command::new("ensure-up"));
    let option = |key: &str| {
        let is_it =
            |arg: &&Arg| arg.get_id() == key || arg.get_long().is_some_and(|long| long.replace('-', "_") == key);
        options.get_arguments().find(is_it)
    };
    let known = keys_by_default();
    let described = EXAMPLES.map(key_of);
    assert!(known.keys().all(|key| described.contains(&key.as_str())), "a key has no example: {known:?}");
    let mut made = String::new();
    let mut heading = "";
    for example in EXAMPLES {
        let key = key_of(example);
        let (like, option) = (known.get(key).unwrap_or_else(|| panic!("{key} is no key")), option(key));
        let own = option.and_then(Arg::get_help_heading).unwrap_or("The server");
        if heading != own {
            heading = own;
            let _ = write!(made, "\n### {heading}\n");
        }
        let _ = write!(made, "\n#### `{key}`\n\n{}\n\n```toml\n{example}\n```\n", described_by(key, like, option));
    }
    page::keeps("ensure-up.toml.md", &[("keys", made)]);
}

/// Says what a key means, what it may be, and which option it is.
fn described_by(key: &str, like: &Value, option: Option<&Arg>) -> String {
    let Some(option) = option else {
        assert_eq!(key, "depends_on", "a key that is no option has words of its own");
        return "The names of the services that have to be up before this one is started.\n\n\
                Value: an array of names. Default: none. Option: none."
            .to_owned();
    };
    let help = option.get_help().map(ToString::to_string).unwrap_or_default();
    let spelled = match (option.get_long(), option.get_value_names()) {
        (None, _) => "what follows `--`".to_owned(),
        (Some(long), Some([value, ..])) if option.get_action().takes_values() => {
            let equals = if option.is_require_equals_set() { format!("[={value}]") } else { format!(" {value}") };
            format!("`--{long}{equals}`")
        }
        (Some(long), _) => format!("`--{long}`"),
    };
    let default = match option.get_default_values() {
        _ if *like == Value::Bool(false) => "`false`".to_owned(),
        [] if help.contains("default: ") => "as said above".to_owned(),
        [] => "none".to_owned(),
        [value, ..] => format!("`{}`", value.to_string_lossy()),
    };
    format!("{help}.\n\nValue: {}. Default: {default}. Option: {spelled}.", value(key, like, option))
}

/// Says what the value of a key may be, by what its option calls it.
fn value(key: &str, like: &Value, option: &Arg) -> String {
    let words = option.get_possible_values();
    let name = option.get_value_names().and_then(|names| names.first()).map_or("", |name| name.as_str());
    let one = match (key, name) {
        ("command", _) => return "an array of words, or a string for the shell (`/bin/sh -c`)".to_owned(),
        ("env", _) => return "a table of variables, each a string or a number".to_owned(),
        ("hold_socket", _) => return "`true`, which is 127.0.0.1, or an address as a string".to_owned(),
        _ if like.is_boolean() => return "`true` or `false`".to_owned(),
        _ if !words.is_empty() => {
            let word = |word: &clap::builder::PossibleValue| {
                let means =
                    word.get_help().map(|help| format!(" ({})", help.to_string().to_lowercase())).unwrap_or_default();
                format!("`\"{}\"`{means}", word.get_name())
            };
            return words.iter().map(word).collect::<Vec<_>>().join(", ");
        }
        (_, "PORT[-PORT]") => "a number, or a string: a range, or a port of UDP such as `\"5353/udp\"`",
        (_, "PATH|TARGET") => "a path on the port, or a target of health-wait",
        (_, "DURATION") => "a duration",
        (_, "REGEX") => "a regular expression",
        (_, "FILE" | "DIR") => "a path",
        (_, "N") => "a whole number",
        (_, "LIST") => "a number, or a string of numbers and ranges",
        (_, "PATH=VALUE") => "a [JSONPath](https://www.rfc-editor.org/rfc/rfc9535), `=` and the value",
        (_, "NAME: VALUE") => "a header",
        (_, "METHOD") => "a method of HTTP",
        (_, "STRING|@FILE") => "a string, or `@` and a path",
        (_, "SIGNAL") => "a signal, by its name or number",
        (_, "FIRST..LAST") => "two durations",
        (_, "N/TIME") => "a whole number and a duration",
        (_, "GLOB") => "a glob",
        (_, "SIZE") => "a size",
        (_, "SIZE|PERCENT") => "a size, or a share of the memory such as `\"80%\"`",
        (_, "PID") => "a process ID",
        _ => panic!("{key} takes a {name}, and the reference does not say what that is"),
    };
    if like.is_array() { format!("{one}, or an array of such") } else { one.to_owned() }
}

#[test]
fn every_example_of_the_reference_is_read_and_is_not_as_by_default() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(FILE);
    for example in EXAMPLES {
        let key = key_of(example);
        let around = ["command = \"x\"", "port = \"3001-3099\"", "health = \"/\""];
        let mut lines: Vec<&str> = around.into_iter().filter(|line| key_of(line) != key).collect();
        if key == "once" {
            lines.truncate(1);
        }
        let text = format!("[api]\n{example}\n{}\n[db]\ncommand = \"x\"\nport = 5432\n", lines.join("\n"));
        fs::write(&path, text).expect("the folder is ours");
        let config = Config::read(&path, None).unwrap_or_else(|error| panic!("{example}: {error}"));
        assert_ne!(config.services[0].to_keys()[key], keys_by_default()[key], "{example}");
    }
}
