//! The values of a service's keys, as arguments.

use std::{collections::BTreeMap, env, error::Error as _, ffi::OsString, ops::Range};

use clap::{ArgAction, Command};
use toml::{Spanned, de::DeValue};

use super::fault::{Fault, Source};

/// Keys that are not options of their own.
const OWN: [&str; 3] = ["command", "env", "depends_on"];

/// Options that a service has from its table's name or from elsewhere.
const NOT_KEYS: [&str; 2] = ["name", "depends_on"];

/// Reads a command: an array of words, or a string for the shell.
pub(super) fn command(value: &Spanned<DeValue<'_>>, source: &Source<'_>) -> Result<Vec<OsString>, Fault> {
    let invalid = || {
        source.fault(&value.span(), "command has to be an array of strings, or a string for the shell, and not empty")
    };
    let words = match value.get_ref() {
        DeValue::String(text) if !text.trim().is_empty() => {
            vec!["/bin/sh".into(), "-c".into(), text.to_string().into()]
        }
        DeValue::Array(words) => {
            let words = words.iter().map(|word| word.get_ref().as_str().map(OsString::from));
            words.collect::<Option<Vec<_>>>().ok_or_else(invalid)?
        }
        _ => return Err(invalid()),
    };
    if words.first().is_none_or(|program| program.is_empty()) { Err(invalid()) } else { Ok(words) }
}

/// Reads one word or an array of words.
pub(super) fn words(value: &Spanned<DeValue<'_>>, key: &str, source: &Source<'_>) -> Result<Vec<String>, Fault> {
    let invalid = |at: Range<usize>| source.fault(&at, format!("{key} has to be a string or an array of strings"));
    match value.get_ref() {
        DeValue::Array(words) => {
            words.iter().map(|word| scalar(word.get_ref()).ok_or_else(|| invalid(word.span()))).collect()
        }
        one => Ok(vec![scalar(one).ok_or_else(|| invalid(value.span()))?]),
    }
}

/// Reads a table of variables; `${NAME}` in a value stands for one of the caller's.
pub(super) fn environment(
    value: &Spanned<DeValue<'_>>,
    source: &Source<'_>,
) -> Result<BTreeMap<String, String>, Fault> {
    let table = value.get_ref().as_table();
    let table = table.ok_or_else(|| source.fault(&value.span(), "env has to be a table of NAME = \"value\""))?;
    let mut variables = BTreeMap::new();
    for (name, value) in table {
        let is_name = !name.get_ref().is_empty() && !name.get_ref().contains(['=', '\0']);
        let text = scalar(value.get_ref()).filter(|_| is_name);
        let text = text
            .ok_or_else(|| source.fault(&name.span(), format!("the variable {} has to be a string", name.get_ref())))?;
        variables.insert(name.get_ref().to_string(), expand(&text).map_err(|what| source.fault(&value.span(), what))?);
    }
    Ok(variables)
}

fn expand(text: &str) -> Result<String, String> {
    let (mut rest, mut expanded) = (text, String::new());
    while let Some(start) = rest.find("${") {
        let end = rest[start..].find('}').ok_or_else(|| format!("${{ without }} in {text:?}"))? + start;
        let name = &rest[start + 2..end];
        let value = env::var(name).map_err(|_| format!("the variable {name} is not set"))?;
        expanded.push_str(&rest[..start]);
        expanded.push_str(&value);
        rest = &rest[end + 1..];
    }
    expanded.push_str(rest);
    Ok(expanded)
}

fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).ok().map(|number| number.to_string())
        }
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        _ => None,
    }
}

/// Makes the arguments of an option, and lets the command line's own parser check them.
pub(super) fn option(
    key: &str,
    written: &Range<usize>,
    value: &Spanned<DeValue<'_>>,
    options: &Command,
    source: &Source<'_>,
) -> Result<Vec<OsString>, Fault> {
    let long = key.replace('_', "-");
    let known = || options.get_arguments().filter_map(clap::Arg::get_long).map(|long| long.replace('-', "_"));
    let argument = options.get_arguments().find(|argument| argument.get_long() == Some(long.as_str()));
    let Some(argument) = argument.filter(|_| !NOT_KEYS.contains(&key)) else {
        let names: Vec<String> =
            known().filter(|name| !NOT_KEYS.contains(&name.as_str())).chain(OWN.map(str::to_owned)).collect();
        return Err(source
            .fault(written, format!("unknown key {key:?}"))
            .suggest(key, names.iter().map(String::as_str)));
    };
    let wrong = |expected: &str| {
        source.fault(&value.span(), format!("{key} has to be {expected}, not {}", value.get_ref().type_str()))
    };
    let arguments: Vec<OsString> = match argument.get_action() {
        ArgAction::SetTrue => match value.get_ref().as_bool() {
            Some(is_set) => is_set.then(|| format!("--{long}").into()).into_iter().collect(),
            None => return Err(wrong("true or false")),
        },
        ArgAction::Append => {
            words(value, key, source)?.into_iter().map(|word| format!("--{long}={word}").into()).collect()
        }
        _ => vec![format!("--{long}={}", scalar(value.get_ref()).ok_or_else(|| wrong("a string or a number"))?).into()],
    };
    match options.clone().no_binary_name(true).try_get_matches_from(&arguments) {
        Ok(_) => Ok(arguments),
        Err(error) => {
            Err(source
                .fault(&value.span(), error.source().map_or_else(|| error.kind().to_string(), ToString::to_string)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_the_caller_are_expanded_and_a_missing_one_is_named() {
        let path = env::var("PATH").expect("a test has a path");
        assert_eq!(expand("a${PATH}b$c"), Ok(format!("a{path}b$c")));
        assert_eq!(expand("${NO_SUCH_VARIABLE_HERE}"), Err("the variable NO_SUCH_VARIABLE_HERE is not set".into()));
        assert_eq!(expand("${PATH"), Err("${ without } in \"${PATH\"".into()));
    }
}
