//! A command line as it was typed: where its operands and its command are.

use std::{
    env,
    ffi::{OsStr, OsString},
    path::Path,
};

use clap::{Arg, Command};

use super::command_line;

/// A command line as it was typed.
#[derive(Debug)]
pub struct Line<'w> {
    definition: &'w Command,
    /// Its words, without the tool's name.
    words: &'w [OsString],
}

impl<'w> Line<'w> {
    /// Takes the words, without the tool's name, and what defines them.
    pub fn new(definition: &'w Command, words: &'w [OsString]) -> Self {
        Self { definition, words }
    }

    /// Returns what defines them.
    pub(super) fn definition(&self) -> &'w Command {
        self.definition
    }

    /// Returns its words.
    pub fn words(&self) -> &'w [OsString] {
        self.words
    }

    /// Returns where `--` stands.
    pub fn separator(&self) -> Option<usize> {
        self.words.iter().position(|word| word == "--")
    }

    /// Returns where the words stand, up to `--`, that are neither options nor their values.
    pub fn operands(&self) -> Vec<usize> {
        let end = self.separator().unwrap_or(self.words.len());
        let mut operands = Vec::new();
        let mut index = 0;
        while index < end {
            let word = self.words[index].to_string_lossy();
            let takes_next = match word.strip_prefix("--") {
                Some(long) => by_long(self.definition, long).is_some_and(takes_next),
                None if word.len() > 1 && word.starts_with('-') => self.cluster_takes_next(&word[1..]),
                None => {
                    operands.push(index);
                    false
                }
            };
            index += if takes_next { 2 } else { 1 };
        }
        operands
    }

    /// Returns where an option stands.
    pub(super) fn at(&self, option: &str) -> Option<usize> {
        self.words.iter().position(|word| word.to_string_lossy().starts_with(option))
    }

    /// Tells whether one of these options is given before a word.
    pub fn has_before(&self, index: usize, options: &[&str]) -> bool {
        self.words[..index].iter().any(|word| {
            let word = word.to_string_lossy();
            options.contains(&word.split_once('=').map_or(&*word, |(option, _)| option))
        })
    }

    /// Tells whether a word is a program, or a file that one would run.
    pub fn is_program(word: &OsStr) -> bool {
        let is_file = |path: &Path| path.is_file();
        let path = Path::new(word);
        if word.is_empty() {
            return false;
        }
        is_file(path)
            || (path.components().count() == 1
                && env::var_os("PATH").is_some_and(|all| env::split_paths(&all).any(|one| is_file(&one.join(path)))))
    }

    /// Writes the line with other words in the place of one, as the shell takes it.
    pub fn with(&self, index: usize, instead: &[&OsStr]) -> String {
        let (before, after) = (&self.words[..index], self.words.get(index + 1..).unwrap_or_default());
        let words = before.iter().map(OsString::as_os_str).chain(instead.iter().copied());
        let words = words.chain(after.iter().map(OsString::as_os_str));
        let quoted = words.map(|word| command_line::quoted(&word.to_string_lossy()).into_owned());
        [self.definition.get_name().to_owned()].into_iter().chain(quoted).collect::<Vec<_>>().join(" ")
    }

    /// Writes it with `--` before this word, where its command begins.
    pub fn with_command_at(&self, index: usize) -> String {
        self.with(index, &["--".as_ref(), &self.words[index]])
    }

    /// Of short options in one word, the first that takes a value takes the rest, or the next word.
    fn cluster_takes_next(&self, shorts: &str) -> bool {
        let takes_value = |&(_, short): &(usize, char)| by_short(self.definition, short).is_some_and(takes_next);
        let found = shorts.char_indices().find(takes_value);
        found.is_some_and(|(at, short)| at + short.len_utf8() == shorts.len())
    }
}

/// Finds an option by its word, `--long` or `-s`.
pub(super) fn option<'d>(definition: &'d Command, word: &str) -> Option<&'d Arg> {
    if let Some(long) = word.strip_prefix("--") {
        return by_long(definition, long);
    }
    let mut short = word.strip_prefix('-')?.chars();
    short.next().filter(|_| short.as_str().is_empty()).and_then(|short| by_short(definition, short))
}

fn by_long<'d>(definition: &'d Command, long: &str) -> Option<&'d Arg> {
    definition.get_arguments().find(|argument| argument.get_long() == Some(long))
}

fn by_short(definition: &Command, short: char) -> Option<&Arg> {
    definition.get_arguments().find(|argument| argument.get_short() == Some(short))
}

/// Tells whether the word behind an option is its value.
pub(super) fn takes_next(argument: &Arg) -> bool {
    argument.get_action().takes_values() && !argument.is_require_equals_set()
}

#[cfg(test)]
mod tests {
    use clap::ArgAction;

    use super::*;

    fn definition() -> Command {
        let valued = |long: &'static str| Arg::new(long).long(long);
        let watch = valued("watch").num_args(0..=1).require_equals(true);
        let quiet = Arg::new("quiet").short('q').action(ArgAction::SetTrue);
        let header = Arg::new("header").short('H').action(ArgAction::Append);
        Command::new("x").args([valued("port"), watch, quiet, header, Arg::new("names").num_args(0..)])
    }

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(Into::into).collect()
    }

    #[test]
    fn operands_are_what_is_no_option_and_no_value_of_one() {
        let definition = definition();
        for (line, operands) in [
            ("--port 1 a -q b", &[2, 4][..]),
            ("--port=1 a", &[1]),
            ("--watch a", &[1]),
            ("-qH x a", &[2]),
            ("-Hx a - -- b", &[1, 2]),
            ("--unknown a", &[1]),
            ("--port", &[]),
        ] {
            assert_eq!(Line::new(&definition, &words(line)).operands(), operands, "{line}");
        }
    }

    #[test]
    fn the_line_that_was_meant_is_written_for_the_shell() {
        let definition = definition();
        let typed = [words("--port 1"), vec!["a b".into()]].concat();
        assert_eq!(Line::new(&definition, &typed).with_command_at(2), "x --port 1 -- 'a b'");
    }
}
