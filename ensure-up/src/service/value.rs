//! The values of a service's keys, brought into the form that its options have: true or false, a word, a list of words.

use std::env;

use serde_json::{Map, Value};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    expand::expand,
    fault::{Fault, Source},
    overlay::Written,
    spec::ServiceSpec,
};

/// A value in the file.
type Valued<'i> = Spanned<DeValue<'i>>;

/// Reads the value of a key. `like` is one of the same form: its value by default.
pub(super) fn read(key: &str, written: &Written<'_, '_>, like: &Value, source: &Source<'_>) -> Result<Value, Fault> {
    let value = written.value;
    let wrong = |one: &Valued<'_>, expected: &str| {
        source.fault(&one.span(), format!("{key} has to be {expected}, not {}", one.get_ref().type_str()))
    };
    let word = |one: &Valued<'_>, expected: &str| expanded(one, source)?.ok_or_else(|| wrong(one, expected));
    let list = |one: &Valued<'_>| word(one, "a string or an array of strings");
    let read = match (key, like, value.get_ref()) {
        ("command", ..) => command(value, source)?.ok_or_else(|| {
            let what = "command has to be an array of strings, or a string for the shell, and not empty";
            source.fault(&value.span(), what)
        })?,
        ("env", ..) => environment(written, source)?,
        // an option whose value may be left out
        ("hold_socket", _, DeValue::Boolean(true)) => "127.0.0.1".into(),
        ("hold_socket", _, DeValue::Boolean(false)) => Value::Null,
        (_, Value::Bool(_), DeValue::Boolean(is_set)) => (*is_set).into(),
        (_, Value::Bool(_), _) => return Err(wrong(value, "true or false")),
        (_, Value::Array(_), DeValue::Array(words)) => words.iter().map(list).collect::<Result<Vec<_>, _>>()?.into(),
        (_, Value::Array(_), _) => vec![list(value)?].into(),
        _ => word(value, "a string or a number")?.into(),
    };
    check(key, &read).map_err(|what| source.fault(&value.span(), what))?;
    Ok(read)
}

/// Reads a command: an array of words, or a string for the shell. `None` where it is neither.
fn command(value: &Valued<'_>, source: &Source<'_>) -> Result<Option<Value>, Fault> {
    let mut words = Vec::new();
    let written = match value.get_ref() {
        DeValue::String(text) if !text.trim().is_empty() => {
            words.extend(["/bin/sh", "-c"].map(str::to_owned));
            vec![value]
        }
        DeValue::Array(words) => words.iter().collect(),
        _ => return Ok(None),
    };
    for word in written {
        let DeValue::String(_) = word.get_ref() else { return Ok(None) };
        words.extend(expanded(word, source)?);
    }
    Ok(words.first().is_some_and(|program| !program.is_empty()).then(|| words.into()))
}

/// Reads a word, with the variables of the caller in their places; `None` where it is none.
fn expanded(value: &Valued<'_>, source: &Source<'_>) -> Result<Option<String>, Fault> {
    let Some(text) = scalar(value.get_ref()) else { return Ok(None) };
    if text.contains('\0') {
        return Err(source.fault(&value.span(), "a NUL stands in it, and no program can be handed one"));
    }
    let variable = |name: &str| env::var(name).ok();
    expand(&text, &variable).map(Some).map_err(|what| source.fault(&value.span(), what))
}

/// Lets the option's own type have its say.
fn check(key: &str, value: &Value) -> Result<(), String> {
    let said = |error: serde_json::Error| match (error.to_string(), value.as_str()) {
        // a number's own error does not say what was no number
        (said, Some(text)) if !said.contains(text) => format!("invalid {key} {text:?}: {said}"),
        (said, _) => said,
    };
    ServiceSpec::from_keys(Map::from_iter([(key.to_owned(), value.clone())])).map_err(said).map(drop)
}

/// Reads tables of variables as the words of `--env`: those of a profile, and those of the service that it does not name.
fn environment(written: &Written<'_, '_>, source: &Source<'_>) -> Result<Value, Fault> {
    let over = variables(written.value, source)?;
    let under = written.under.map(|under| variables(under, source)).transpose()?;
    let kept = under.into_iter().flatten().filter(|(name, _)| !over.contains_key(name.get_ref().as_ref()));
    let words = kept.chain(over).map(|(name, text)| {
        let (at, name) = (name.span(), name.get_ref());
        let is_name = !name.is_empty() && !name.contains(['=', '\0']);
        let text = expanded(text, source)?.filter(|_| is_name);
        let text = text.ok_or_else(|| source.fault(&at, format!("the variable {name} has to be a string")))?;
        Ok(format!("{name}={text}"))
    });
    words.collect::<Result<Vec<_>, Fault>>().map(Value::from)
}

fn variables<'v, 'i>(value: &'v Valued<'i>, source: &Source<'_>) -> Result<&'v DeTable<'i>, Fault> {
    let wrong = || source.fault(&value.span(), "env has to be a table of NAME = \"value\"");
    value.get_ref().as_table().ok_or_else(wrong)
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
