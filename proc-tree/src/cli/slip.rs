//! Slips: the line that was probably meant by arguments that make no sense. It is shown only where it makes sense itself.

use std::ffi::OsString;

use clap::Command;

use super::{command_line::typed, line::Line};

/// What an option of another program is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Foreign {
    /// Nothing: what it asks for is so anyway.
    Nothing,
    /// Nothing, and neither is its value.
    NothingWithValue,
    /// This option, with the same value if it has one.
    Option(&'static str),
    /// This option, to which its value is attached.
    Attached(&'static str),
    /// This option; a bare number from this one on counts milliseconds there.
    Milliseconds(&'static str, u32),
    /// None: its value is an operand.
    Operand,
    /// None: its value goes behind every operand, after this text.
    Suffix(&'static str),
    /// What these words say.
    Said(&'static str),
}

/// Options of other programs, each with the names that it has there. Of `-i`, `-i8000` is the form with a value.
pub type Dictionary = &'static [(&'static [&'static str], Foreign)];

/// Says what an option is here, where that is no option but words.
pub(super) fn said(option: &str, dictionary: Dictionary) -> Option<&'static str> {
    match look_up(option, dictionary)? {
        (Foreign::Said(words), _) => Some(words),
        _ => None,
    }
}

/// Finds the line that was meant by one that a tool does not understand: the first of those that its words may stand for that
/// `makes_sense`.
pub(super) fn meant(
    line: &Line<'_>,
    dictionary: Dictionary,
    respell: fn(&str) -> Option<String>,
    makes_sense: impl Fn(&[OsString]) -> bool,
) -> Option<String> {
    let words = line.words().iter().map(|word| word.to_str().map(str::to_owned)).collect::<Option<Vec<_>>>()?;
    // what is told in words takes the place of more than an option: without it the line means something else
    if words.iter().take_while(|word| *word != "--").any(|word| said(word, dictionary).is_some()) {
        return None;
    }
    let command = line.definition();
    let translated = translate(&words, dictionary, respell);
    let candidates =
        [translated.clone(), attach(command, &words), detach(command, &words), attach(command, &translated)];
    let is_it =
        |line: &&Vec<String>| **line != words && makes_sense(&line.iter().map(OsString::from).collect::<Vec<_>>());
    let meant = candidates.iter().find(is_it)?;
    Some(typed(std::iter::once(command.get_name()).chain(meant.iter().map(String::as_str))))
}

fn translate(words: &[String], dictionary: Dictionary, respell: fn(&str) -> Option<String>) -> Vec<String> {
    let (mut line, mut operands, mut suffix) = (Vec::new(), Vec::new(), String::new());
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        if word == "--" {
            line.push(word.clone());
            line.extend(rest.cloned());
            break;
        }
        let Some((foreign, attached)) = look_up(word, dictionary) else {
            if !word.starts_with('-') {
                operands.push(line.len());
            }
            line.push(if word.starts_with('-') { None } else { respell(word) }.unwrap_or_else(|| word.clone()));
            continue;
        };
        let mut value = || {
            let next = rest.clone().next().filter(|next| !next.starts_with('-'));
            attached.map(str::to_owned).or_else(|| next.and_then(|_| rest.next().cloned()))
        };
        match foreign {
            Foreign::Nothing | Foreign::Said(_) => {}
            Foreign::NothingWithValue => drop(value()),
            Foreign::Option(option) => line.extend(std::iter::once(option).chain(attached).map(str::to_owned)),
            Foreign::Attached(option) => {
                line.push(value().map_or_else(|| option.to_owned(), |value| format!("{option}={value}")));
            }
            Foreign::Milliseconds(option, least) => {
                line.push(option.to_owned());
                line.extend(value().map(|value| in_milliseconds(value, least)));
            }
            Foreign::Suffix(mark) => suffix = value().map(|value| format!("{mark}{value}")).unwrap_or_default(),
            Foreign::Operand => {
                if let Some(value) = value() {
                    operands.push(line.len());
                    line.push(respell(&value).unwrap_or(value));
                }
            }
        }
    }
    for operand in operands {
        line[operand].push_str(&suffix);
    }
    line
}

fn in_milliseconds(value: String, least: u32) -> String {
    if value.parse::<u32>().is_ok_and(|number| number >= least) { value + "ms" } else { value }
}

/// Finds what a word is, with the value that is attached to it.
fn look_up(word: &str, dictionary: Dictionary) -> Option<(Foreign, Option<&str>)> {
    let find = |name: &str| dictionary.iter().find(|(names, _)| names.contains(&name)).map(|&(_, foreign)| foreign);
    if let Some(foreign) = find(word) {
        return Some((foreign, None));
    }
    if word.starts_with("--") {
        let (name, value) = word.split_once('=')?;
        return Some((find(name)?, Some(value)));
    }
    let takes_value = |foreign: &Foreign| !matches!(foreign, Foreign::Nothing | Foreign::Said(_));
    let at = |end| Some((find(word.get(..end)?).filter(takes_value)?, Some(word.get(end..)?)));
    (2..word.len()).rev().filter(|_| word.starts_with('-')).find_map(at)
}

/// Optional values are attached: `--watch 500ms` becomes `--watch=500ms`.
fn attach(command: &Command, words: &[String]) -> Vec<String> {
    let mut line: Vec<String> = Vec::new();
    for word in words {
        match line.last_mut() {
            Some(option) if is_optional(command, option) && !word.starts_with('-') => option.extend(["=", word]),
            _ => line.push(word.clone()),
        }
    }
    line
}

/// What is attached may be no value but an operand: `--free=8000-8099` becomes `--free 8000-8099`.
fn detach(command: &Command, words: &[String]) -> Vec<String> {
    let parts = |word: &String| match word.split_once('=') {
        Some((option, value)) if is_optional(command, option) => vec![option.to_owned(), value.to_owned()],
        _ => vec![word.clone()],
    };
    words.iter().flat_map(parts).collect()
}

/// Tells whether an option may have a value, which is attached then.
fn is_optional(command: &Command, option: &str) -> bool {
    let is_it = |name: &str| option.strip_prefix("--") == Some(name);
    command.get_arguments().any(|one| one.is_require_equals_set() && one.get_long().is_some_and(is_it))
}

#[cfg(test)]
mod tests {
    use clap::Arg;

    use super::*;

    const FOREIGN: Dictionary = &[
        (&["-n", "-nP"], Foreign::Nothing),
        (&["-m", "--mode"], Foreign::NothingWithValue),
        (&["-t", "--timeout"], Foreign::Option("--grace")),
        (&["-i", "-ti", "--port"], Foreign::Operand),
        (&["--method"], Foreign::Suffix("/")),
        (&["-w", "--window"], Foreign::Milliseconds("--stable", 1000)),
        (&["-d"], Foreign::Attached("--watch")),
    ];

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn options_of_other_programs_become_what_they_are_here() {
        let respell = |word: &str| word.strip_prefix("tcp:").map(str::to_owned);
        for (line, expected) in [
            ("-nP -i :80", ":80"),
            ("-i:80 -n", ":80"),
            ("-ti tcp:80", "80"),
            ("-ti:80", ":80"),
            ("--port=80 tcp:81", "80 81"),
            ("-m process 80 --mode=auto", "80"),
            ("-t 5 80", "--grace 5 80"),
            ("-t5 --timeout=6", "--grace 5 --grace 6"),
            ("80 --method udp 81", "80/udp 81/udp"),
            ("-i -n", ""),
            ("-w 1000 --window=999 -w 2s", "--stable 1000ms --stable 999 --stable 2s"),
            ("-d 5 80 -d5 -d -x", "--watch=5 80 --watch=5 --watch -x"),
            ("-x 80 -- -n", "-x 80 -- -n"),
        ] {
            assert_eq!(translate(&words(line), FOREIGN, respell), words(expected), "{line}");
        }
    }

    #[test]
    fn an_optional_value_is_attached_and_an_operand_is_not() {
        let watch = Arg::new("watch").long("watch").num_args(0..=1).require_equals(true);
        let command = Command::new("x").args([watch, Arg::new("port").long("port")]);
        for (line, attached, detached) in [
            ("--watch 5 80", "--watch=5 80", "--watch 5 80"),
            ("--watch=80 81", "--watch=80 81", "--watch 80 81"),
            ("--watch --port 80", "--watch --port 80", "--watch --port 80"),
            ("--port=80", "--port=80", "--port=80"),
        ] {
            assert_eq!(attach(&command, &words(line)), words(attached), "{line}");
            assert_eq!(detach(&command, &words(line)), words(detached), "{line}");
        }
    }
}
