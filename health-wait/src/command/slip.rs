//! What was meant by a command line that was refused.

use std::ffi::OsStr;

use health_wait::Target;
use proc_tree::cli::{
    line::Line,
    slip::{Dictionary, Foreign},
    status::UsageError,
};

/// Options of ensure-up, wait-on, wait-for-it, start-server-and-test, dockerize and curl, and what is meant here.
pub(super) const FOREIGN: Dictionary = &[
    // a number of seconds for wait-for-it and curl, of milliseconds for wait-on
    (&["-t"], Foreign::Milliseconds("--timeout", 1000)),
    (&["--max-time", "-m", "-timeout"], Foreign::Option("--timeout")),
    (&["-w", "--window"], Foreign::Milliseconds("--stable", 0)),
    (&["-d"], Foreign::Said("--initial-delay, and a body to send is --data")),
    (&["--delay"], Foreign::Milliseconds("--initial-delay", 0)),
    (&["-i"], Foreign::Milliseconds("--interval", 0)),
    (&["--tcpTimeout", "--httpTimeout", "--commandTimeout"], Foreign::Milliseconds("--attempt-timeout", 0)),
    (&["--connect-timeout"], Foreign::Option("--attempt-timeout")),
    (&["-r", "--reverse"], Foreign::Option("--down")),
    (&["-p", "--port"], Foreign::Operand),
    (&["--host"], Foreign::Operand),
    (&["--health", "--url", "--wait"], Foreign::Operand),
    (&["--expect", "--status", "--status-codes"], Foreign::Option("--expect-status")),
    (&["-k"], Foreign::Option("--insecure")),
    (&["-L", "--location"], Foreign::Option("--follow")),
    (&["-X", "--request"], Foreign::Option("--method")),
    (&["--headers"], Foreign::Option("--header")),
    (&["-E"], Foreign::Option("--cert")),
    (&["--retry"], Foreign::Said("--timeout, until which it is asked again and again")),
    (&["-c", "--config"], Foreign::Said("no file: each option stands on the command line")),
    (&["--simultaneous"], Foreign::NothingWithValue),
    (&["-l", "-v", "--log", "--verbose", "-s", "--strict"], Foreign::Nothing),
];

/// Finds a command that stands among the targets: in words of its own, or as a line for the shell.
pub(super) fn of(line: &Line<'_>) -> Option<UsageError> {
    command(line).or_else(|| shell_line(line))
}

fn command(line: &Line<'_>) -> Option<UsageError> {
    if line.separator().is_some() {
        return None;
    }
    let command = line.operands().into_iter().skip(1).find(|&index| {
        let word = &line.words()[index];
        word.to_str().is_none_or(|word| word.parse::<Target>().is_err()) && Line::is_program(word)
    })?;
    Some(UsageError::new("the command follows --").hint(line.with_command_at(command)))
}

fn shell_line(line: &Line<'_>) -> Option<UsageError> {
    let (index, word, meant) = line.operands().into_iter().find_map(|index| {
        let word = line.words()[index].to_str()?;
        Some((index, word, Target::as_command(word)?))
    })?;
    let what = format!("invalid target {word:?}: a line for the shell begins with exec:");
    Some(UsageError::new(what).hint(line.with(index, &[OsStr::new(&meant)])))
}
