//! What was meant by a command line that was refused.

use std::ffi::OsStr;

use health_wait::Target;
use proc_tree::cli::{
    command_line::typed,
    duration,
    line::Line,
    slip::{Dictionary, Foreign},
    status::UsageError,
};

/// Options of the other four, of pm2, nodemon, start-server-and-test, wait-on and docker compose, and what is meant here.
pub(super) const FOREIGN: Dictionary = &[
    (&["-p", "-port"], Foreign::Option("--port")),
    (&["-n"], Foreign::Option("--name")),
    (&["-t", "--wait-timeout", "--listen-timeout", "-timeout"], Foreign::Option("--timeout")),
    (&["--kill-timeout"], Foreign::Option("--grace")),
    (&["--signal", "-s"], Foreign::Option("--stop-signal")),
    (&["--no-daemon", "--attach"], Foreign::Option("--foreground")),
    (&["--max-memory-restart"], Foreign::Option("--max-memory")),
    (&["--restart-delay", "--exp-backoff-restart-delay"], Foreign::Option("--backoff")),
    (&["--autorestart"], Foreign::Option("--keep-up")),
    (&["--ignore-watch", "--ignore"], Foreign::Said("--reload-on '!GLOB'")),
    (&["--ext"], Foreign::Said("--reload-on '*.EXT'")),
    (&["-w"], Foreign::Said("--reload-on GLOB")),
    (&["--wait-ready"], Foreign::Option("--ready-notify")),
    (&["--output", "-o", "--error"], Foreign::Option("--log")),
    (&["--lines"], Foreign::Option("--tail")),
    (&["--update-env"], Foreign::Option("--restart-if-changed")),
    (&["-e"], Foreign::Option("--env")),
    (&["--dir", "-C", "--directory"], Foreign::Option("--cwd")),
    (&["--url", "--wait"], Foreign::Option("--health")),
    (&["--expect"], Foreign::Option("--expect-status")),
    (&["--httpTimeout"], Foreign::Option("--attempt-timeout")),
    (&["-k"], Foreign::Option("--insecure")),
    (&["--request", "-X"], Foreign::Option("--method")),
    (&["--free"], Foreign::Said("--port FIRST-LAST, a range")),
    (&["--force"], Foreign::Option("--replace")),
    (&["--kill", "--down", "--delete"], Foreign::Option("--stop")),
    (&["--list", "--ps"], Foreign::Option("--status")),
    (&["--start"], Foreign::Said("a command behind --, or a name of the services file")),
    (&["--up"], Foreign::Option("--all")),
    (&["--config"], Foreign::Option("--file")),
    (&["--cmd", "--command", "--exec"], Foreign::Said("the command behind --")),
    (&["-d", "--detach", "--daemon", "--background", "--no-autorestart"], Foreign::Nothing),
];

/// Words that are commands of other tools, and options here; an empty one goes.
const WORDS: [(&str, &str); 16] = [
    ("status", "--status"),
    ("list", "--status"),
    ("ls", "--status"),
    ("ps", "--status"),
    ("stop", "--stop"),
    ("down", "--stop"),
    ("delete", "--stop"),
    ("kill", "--stop"),
    ("logs", "--logs"),
    ("log", "--logs"),
    ("restart", "--restart"),
    ("init", "--init"),
    ("help", "--help"),
    ("start", ""),
    ("run", ""),
    ("up", ""),
];

/// Tells which line was meant by one that was refused.
pub(super) fn of(line: &Line<'_>) -> Option<UsageError> {
    if let Some(meant) = start_and_test(line) {
        return Some(
            UsageError::new("the port, the command and what runs while it is up have places of their own").hint(meant),
        );
    }
    let first = *line.operands().first()?;
    let word = line.words()[first].to_str().unwrap_or_default();
    if let Some((_, option)) = WORDS.iter().find(|(command, _)| *command == word) {
        return Some(option_for(line, first, word, option));
    }
    if line.separator().is_some() {
        return port_before(line, first, word);
    }
    let follows: Vec<usize> = line.operands();
    let is_described = line.has_before(first, &["--port", "--name", "--once", "--then", "--foreground"]);
    let is_command = Line::is_program(OsStr::new(word)) || (is_described && (follows.len() > 1 || word.contains('/')));
    if !is_command {
        return None;
    }
    let meant = if line.has_before(first, &["--port", "--name"]) {
        line.with_command_at(first)
    } else {
        line.with(first, &["--port", "PORT", "--", word].map(OsStr::new))
    };
    Some(UsageError::new("the command follows --").hint(meant))
}

/// `start-server-and-test COMMAND URL TEST`: one word each, of which the first and the last may be scripts of npm.
fn start_and_test(line: &Line<'_>) -> Option<String> {
    let words = line.words().iter().map(|word| word.to_str()).collect::<Option<Vec<_>>>()?;
    let &[command, place, test] = words.as_slice() else { return None };
    let target: Target = place.parse().ok()?;
    let port = target.tcp_port().filter(|_| ![command, test].iter().any(|word| word.starts_with('-')))?.to_string();
    let is_line = |word: &str| word.contains(|one: char| one.is_whitespace() || one == '/');
    let shell = |word: &str| if is_line(word) { word.to_owned() } else { format!("npm run {word}") };
    let (command, test) = (shell(command), shell(test));
    let health = ["--health", if target.is_http() { place } else { "/" }];
    let told =
        ["ensure-up", "--port", &port].into_iter().chain(health).chain(["--then", &test, "--", "sh", "-c", &command]);
    Some(typed(told))
}

fn option_for(line: &Line<'_>, at: usize, word: &str, option: &str) -> UsageError {
    if !option.is_empty() {
        return UsageError::new(format!("{word} is an option here")).hint(line.with(at, &[OsStr::new(option)]));
    }
    // `ensure-up start`: all; `ensure-up start api`: that one; `ensure-up run -- CMD`: the command
    let instead = if line.operands().len() == 1 && line.separator().is_none() { &["--all"][..] } else { &[] };
    let instead: Vec<&OsStr> = instead.iter().map(OsStr::new).collect();
    UsageError::new(format!("{word} is what it does without being told")).hint(line.with(at, &instead))
}

/// `ensure-up 8000 -- CMD`.
fn port_before(line: &Line<'_>, at: usize, word: &str) -> Option<UsageError> {
    let port = word.strip_prefix(':').unwrap_or(word);
    let is_port = !port.is_empty() && port.bytes().all(|one| one.is_ascii_digit() || one == b'-');
    let meant = || line.with(at, &["--port", port].map(OsStr::new));
    is_port.then(|| UsageError::new("the port is an option").hint(meant()))
}

/// Finds an interval that follows `--watch` as if it were a name.
pub(super) fn interval(names: &[String]) -> Option<UsageError> {
    let has_unit = |name: &&String| name.ends_with(|last: char| !last.is_ascii_digit());
    let interval = names.iter().filter(has_unit).find(|name| duration::parse_interval(name).is_ok())?;
    let meant = ["ensure-up --status --watch=", interval].concat();
    Some(UsageError::new("the value of --watch is attached with =").hint(meant))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use proc_tree::cli::tool::Tool;

    use super::*;
    use crate::command::Arguments;

    #[test]
    fn a_slip_gets_the_line_that_was_meant() {
        let definition = <Arguments as Tool>::definition();
        for (typed, meant) in [
            ("--port 8000 sh server.sh", Some("--port 8000 -- sh server.sh")),
            ("--port 8000 no-such-program x -v", Some("--port 8000 -- no-such-program x -v")),
            ("--port 8000 api", None),
            ("--name w sh -c x", Some("--name w -- sh -c x")),
            ("sh server.sh", Some("--port PORT -- sh server.sh")),
            ("--health / --port=1 sh", Some("--health / --port=1 -- sh")),
            ("status", Some("--status")),
            ("logs -f api", Some("--logs -f api")),
            ("stop 8000", Some("--stop 8000")),
            ("restart api", Some("--restart api")),
            ("start", Some("--all")),
            ("start api", Some("api")),
            ("up api db", Some("api db")),
            ("run --port 1 -- sh", Some("--port 1 -- sh")),
            ("8000 -- sh", Some("--port 8000 -- sh")),
            (":8000 -- sh", Some("--port 8000 -- sh")),
            ("api -- sh", None),
            ("api", None),
            ("--port 8000", None),
            (
                "start http://localhost:8000/x test:e2e",
                Some("--port 8000 --health http://localhost:8000/x --then 'npm run test:e2e' -- sh -c 'npm run start'"),
            ),
            ("./serve :8000 ./check", Some("--port 8000 --health / --then ./check -- sh -c ./serve")),
            ("--restart 8000 9000", None),
            ("api db web", None),
        ] {
            let words: Vec<OsString> = typed.split_whitespace().map(Into::into).collect();
            let said = of(&Line::new(&definition, &words)).and_then(|usage| usage.meant().map(str::to_owned));
            assert_eq!(said, meant.map(|meant| format!("ensure-up {meant}")), "{typed}");
        }
    }
}
