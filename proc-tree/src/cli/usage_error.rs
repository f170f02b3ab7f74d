//! Usage errors in words: what clap found wrong, then hints on their own lines.

use std::{error::Error, fmt, num::ParseIntError};

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::{
    slip::{self, Dictionary},
    text,
};

/// Words a usage error of clap as the other messages are worded: what is wrong, then the line that was `meant`, or hints on
/// their own lines.
pub(super) fn usage_error(
    tool: &str,
    error: &clap::Error,
    dictionary: Dictionary,
    meant: impl FnOnce() -> Option<String>,
) -> String {
    let mut message = format!("{tool}: {}", text::escape(&what_is_wrong(error)));
    if let Some(line) = meant() {
        message.extend(["\nhint: ", &text::escape(&line)]);
        return message;
    }
    if let Some(words) = unknown(error).and_then(|option| slip::said(&option, dictionary)) {
        message.extend(["\nhint: here that is ", words]);
        return message;
    }
    for hint in hints(error) {
        message.extend(["\nhint: ", &text::escape(&hint)]);
    }
    // a value's own error says what was expected
    if error.source().is_none() {
        message.extend(["\nhint: ", tool, " --help shows the usage"]);
    }
    message
}

/// Returns the option that is not known.
pub(super) fn unknown(error: &clap::Error) -> Option<String> {
    error.get(ContextKind::InvalidArg).filter(|_| error.kind() == ErrorKind::UnknownArgument).map(ToString::to_string)
}

fn what_is_wrong(error: &clap::Error) -> String {
    let (argument, value) = (error.get(ContextKind::InvalidArg), error.get(ContextKind::InvalidValue));
    match (error.kind(), argument, value) {
        (ErrorKind::UnknownArgument, Some(argument), _) => format!("unexpected argument '{argument}' found"),
        (ErrorKind::ArgumentConflict, Some(argument), _) if error.get(ContextKind::PriorArg) == Some(argument) => {
            format!("'{argument}' takes one value, and is given twice")
        }
        (ErrorKind::ArgumentConflict, Some(argument), _) => {
            format!("the argument '{argument}' cannot be used {}", conflict(error))
        }
        (ErrorKind::MissingRequiredArgument, Some(missing), _) => {
            format!("the following required arguments were not provided: {}", Spaced(missing))
        }
        (ErrorKind::NoEquals, Some(argument), _) => {
            format!("equal sign is needed when assigning values to '{argument}'")
        }
        (ErrorKind::TooManyValues, Some(argument), Some(value)) => {
            format!("unexpected value '{value}' for '{argument}' found; no more were expected")
        }
        (ErrorKind::InvalidValue, Some(argument), Some(ContextValue::String(none))) if none.is_empty() => {
            format!("a value is required for '{argument}' but none was supplied{}", possible_values(error))
        }
        (ErrorKind::InvalidValue, Some(argument), Some(value)) => {
            format!("invalid value '{value}' for '{argument}'{}", possible_values(error))
        }
        (ErrorKind::ValueValidation, Some(argument), Some(value)) => refused(error, argument, value),
        (kind, ..) => error.source().map_or_else(|| kind.to_string(), ToString::to_string),
    }
}

fn conflict(error: &clap::Error) -> String {
    match error.get(ContextKind::PriorArg) {
        Some(several @ ContextValue::Strings(_)) => format!("with: {}", Spaced(several)),
        Some(ContextValue::None) | None => "with one or more of the other specified arguments".into(),
        Some(prior) => format!("with '{prior}'"),
    }
}

/// Says in one line why a value is refused, and for which option if that is a pattern's.
fn refused(error: &clap::Error, argument: &ContextValue, value: &ContextValue) -> String {
    let (argument, value) = (argument.to_string(), value.to_string());
    let (reason, is_whole) = reason(error, &value);
    match argument.split_once(" <REGEX>") {
        Some((option, _)) if is_whole && !reason.contains(option) => format!("{option}: {reason}"),
        _ if is_whole => reason,
        _ => format!("invalid value '{value}' for '{argument}': {reason}"),
    }
}

/// Words a value's own error, and tells whether it says which value: a pattern's is a drawing, and a number's does not say
/// what was expected.
fn reason(error: &clap::Error, value: &str) -> (String, bool) {
    let Some(source) = error.source() else { return (String::new(), false) };
    if source.is::<ParseIntError>() {
        return ("expected a whole number".into(), false);
    }
    let said = source.to_string();
    let bounds = said.strip_prefix(value).and_then(|said| said.strip_prefix(" is not in "));
    match (bounds.and_then(|bounds| bounds.split_once("..")), said.lines().last()) {
        (Some((lowest, "")), _) => (format!("expected a number from {lowest} up"), false),
        (Some((lowest, highest)), _) => {
            (format!("expected a number from {lowest} to {}", highest.trim_start_matches('=')), false)
        }
        (None, Some(last)) if said.lines().nth(1).is_some() => {
            (last.strip_prefix("error: ").unwrap_or(last).to_owned(), false)
        }
        _ => {
            let is_whole = said.contains(value);
            (said, is_whole)
        }
    }
}

fn possible_values(error: &clap::Error) -> String {
    match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(values)) if !values.is_empty() => {
            format!(" [possible values: {}]", values.join(", "))
        }
        _ => String::new(),
    }
}

fn hints(error: &clap::Error) -> Vec<String> {
    let similar = |kind, what| match error.get(kind) {
        Some(ContextValue::Strings(several)) if several.len() > 1 => {
            Some(format!("some similar {what}s exist: '{}'", several.join("', '")))
        }
        Some(one) => Some(format!("a similar {what} exists: '{one}'")),
        None => None,
    };
    let similar = [similar(ContextKind::SuggestedArg, "argument"), similar(ContextKind::SuggestedValue, "value")];
    let others = match error.get(ContextKind::Suggested) {
        Some(ContextValue::StyledStrs(others)) => others.as_slice(),
        _ => &[],
    };
    // that an operand may begin with a dash behind -- is nothing that anybody meant
    let others = others.iter().map(ToString::to_string).filter(|other| !other.starts_with("to pass '"));
    similar.into_iter().flatten().chain(others).collect()
}

/// Several words, with a space between them.
struct Spaced<'v>(&'v ContextValue);

impl fmt::Display for Spaced<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ContextValue::Strings(words) => f.write_str(&words.join(" ")),
            other => other.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::{Arg, ArgAction, Command, value_parser};

    use super::*;
    use crate::cli::slip::Foreign;

    fn said(arguments: &[&str]) -> String {
        let count = Arg::new("count").long("count").value_name("N").value_parser(value_parser!(u16).range(2..));
        let color = Arg::new("color").long("color").value_parser(["always", "never"]);
        let all = Arg::new("all").long("all").action(ArgAction::SetTrue).conflicts_with_all(["count", "color"]);
        let port = Arg::new("port").required(true).value_parser(|text: &str| Err::<u16, _>(format!("no port: {text}")));
        let pattern = |_: &str| Err::<u16, _>("regex parse error:\n  (\n  ^\nerror: unclosed group");
        let pattern = Arg::new("match").long("match").value_name("REGEX").value_parser(pattern);
        let command = Command::new("x").args([count, color, all, port.value_name("PORT"), pattern]);
        let error = command.try_get_matches_from([&["x"], arguments].concat()).expect_err("each is wrong");
        usage_error("x", &error, &[(&["--wait"], Foreign::Said("--watch"))], || None)
    }

    #[test]
    fn each_slip_is_told_in_one_line_and_hints_follow() {
        let help = "\nhint: x --help shows the usage";
        for (arguments, message, hints) in [
            (&["--colour"][..], "unexpected argument '--colour' found", "\nhint: a similar argument exists: '--color'"),
            (&["--count"], "a value is required for '--count <N>' but none was supplied", ""),
            (&["--color", "x"], "invalid value 'x' for '--color <color>' [possible values: always, never]", ""),
            (&["--all=yes"], "unexpected value 'yes' for '--all' found; no more were expected", ""),
            (&["--count=3", "--count=4"], "'--count <N>' takes one value, and is given twice", ""),
            (&["--all", "--count", "3"], "the argument '--all' cannot be used with '--count <N>'", ""),
            (&["-9"], "unexpected argument '-9' found", ""),
            (&[], "the following required arguments were not provided: <PORT>", ""),
        ] {
            assert_eq!(said(arguments), format!("x: {message}{hints}{help}"), "{arguments:?}");
        }
    }

    #[test]
    fn a_value_is_refused_in_one_line() {
        for (arguments, message) in [
            (&["80\u{1b}"][..], "no port: 80\\u{1b}"),
            (&["--count", "many"], "invalid value 'many' for '--count <N>': expected a whole number"),
            (&["--count=1"], "invalid value '1' for '--count <N>': expected a number from 2 to 65535"),
            (&["--match=("], "invalid value '(' for '--match <REGEX>': unclosed group"),
            (&["--wait"], "unexpected argument '--wait' found\nhint: here that is --watch"),
        ] {
            assert_eq!(said(arguments), format!("x: {message}"), "{arguments:?}");
        }
    }
}
