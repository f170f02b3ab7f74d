//! Completion: what could stand at a shell's cursor. The script of each shell asks the tool itself, which only looks.

use std::{ffi::OsString, fmt::Write, fs};

use clap::{Arg, Command};

use super::{line, manual::value_name, text};
use crate::Signal;

/// The word by which a script asks; it is no option.
pub(super) const QUESTION: &str = "--complete";

const BASH: &str = include_str!("completion/bash.sh");
const ZSH: &str = include_str!("completion/zsh.zsh");
const FISH: &str = include_str!("completion/fish.fish");

/// The shells that have a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// A word that could stand there, and what it is.
pub type Candidate = (String, String);

/// Writes a shell's script for a tool.
pub(super) fn script(shell: Shell, tool: &str) -> String {
    let text = match shell {
        Shell::Bash => BASH,
        Shell::Zsh => ZSH,
        Shell::Fish => FISH,
    };
    text.replace("FUNCTION", &tool.replace('-', "_")).replace("TOOL", tool)
}

/// Answers for words of which the last is being written: whether files or folders could stand there too, then a line for each
/// word that could, with what it is behind a tab. `candidates` lists the values that an argument could have now, by what it calls
/// its value.
pub(super) fn answer(definition: &Command, candidates: fn(&str) -> Vec<Candidate>, words: &[OsString]) -> String {
    let words: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let (current, before) = words.split_last().map_or(("", &[][..]), |(current, before)| (current.as_str(), before));
    let (prefix, place) = place(definition, current, before);
    let (kind, words) = match place {
        Place::Value(argument) => values(argument, candidates),
        Place::Options => ("words", options(definition)),
    };
    let mut answer = format!("{kind}\n");
    for (word, about) in words {
        let word = format!("{prefix}{word}");
        if word.starts_with(current) && !word.contains(char::is_whitespace) {
            let _ = writeln!(answer, "{}\t{}", text::escape(&word), text::escape(&about));
        }
    }
    answer
}

/// What stands at a place.
enum Place<'d> {
    /// The value of an option, or an operand.
    Value(Option<&'d Arg>),
    /// An option.
    Options,
}

/// Finds what is being written, and what of the word is there already.
fn place<'d>(definition: &'d Command, current: &str, before: &[String]) -> (String, Place<'d>) {
    if let Some((word, _)) = current.split_once('=').filter(|_| current.starts_with("--")) {
        let option = line::option(definition, word).filter(|option| option.get_action().takes_values());
        return (format!("{word}="), Place::Value(option));
    }
    let last = before.last().and_then(|word| line::option(definition, word));
    if let Some(option) = last.filter(|option| line::takes_next(option)) {
        return (String::new(), Place::Value(Some(option)));
    }
    if current.starts_with('-') {
        return (String::new(), Place::Options);
    }
    (String::new(), Place::Value(definition.get_positionals().find(|one| !one.is_last_set())))
}

fn options(definition: &Command) -> Vec<Candidate> {
    let shown = definition.get_arguments().filter(|argument| !argument.is_hide_set());
    let about = |argument: &Arg| argument.get_help().map(ToString::to_string).unwrap_or_default();
    shown.filter_map(|argument| Some((format!("--{}", argument.get_long()?), about(argument)))).collect()
}

/// Lists the values of an argument, by what it says that they are.
fn values(argument: Option<&Arg>, candidates: fn(&str) -> Vec<Candidate>) -> (&'static str, Vec<Candidate>) {
    let Some(argument) = argument else { return ("words", Vec::new()) };
    let possible = argument.get_possible_values();
    if !possible.is_empty() {
        let word = |value: &clap::builder::PossibleValue| {
            (value.get_name().to_owned(), value.get_help().map(ToString::to_string).unwrap_or_default())
        };
        return ("words", possible.iter().map(word).collect());
    }
    let value = value_name(argument);
    match value {
        "FILE" | "FILE.svg" => ("files", Vec::new()),
        "DIR" => ("folders", Vec::new()),
        "NAME|UID" => ("words", users()),
        "SIG" | "SIGNAL" => ("words", signals()),
        _ => ("words", candidates(value)),
    }
}

/// Lists the users of this machine, as far as they stand in a file.
fn users() -> Vec<Candidate> {
    let text = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let user = |line: &str| {
        let mut fields = line.split(':');
        let (name, uid) = (fields.next()?, fields.nth(1)?);
        (!name.is_empty() && !name.starts_with('#')).then(|| (name.to_owned(), uid.to_owned()))
    };
    text.lines().filter_map(user).collect()
}

fn signals() -> Vec<Candidate> {
    let named = (1..32).filter_map(Signal::from_number);
    named.map(|signal| (signal.name().trim_start_matches("SIG").to_owned(), signal.number().to_string())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_being_written_is_known_by_the_words_before_it() {
        let valued = |long: &'static str| Arg::new(long).long(long);
        let watch = valued("watch").num_args(0..=1).require_equals(true);
        let signal = Arg::new("signal").long("signal").short('s');
        let command = Arg::new("command").last(true);
        let definition = Command::new("x").args([valued("log"), watch, signal, Arg::new("port"), command]);
        for (line, expected) in [
            ("--log ", "log:"),
            ("--log=a", "log:--log="),
            ("--watch ", "port:"),
            ("--watch=", "watch:--watch="),
            ("-s ", "signal:"),
            ("80", "port:"),
            ("-", "options:"),
            ("--lo", "options:"),
        ] {
            let mut words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let current = words.pop().unwrap_or_default();
            let (prefix, place) = place(&definition, &current, &words);
            let id = match place {
                Place::Options => "options".to_owned(),
                Place::Value(argument) => argument.map(|one| one.get_id().to_string()).unwrap_or_default(),
            };
            assert_eq!(format!("{id}:{prefix}"), expected, "{line}");
        }
    }
}
