//! The shell: what `sh -c` is given, where it is one simple command.

use super::program;

/// One simple command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Simple {
    /// The variables that are set in front of it.
    pub(super) set: Vec<(String, String)>,
    /// Its words.
    pub(super) words: Vec<String>,
}

/// Returns what a shell is given to run: `sh -c TEXT`, and nothing behind it.
pub(super) fn script(words: &[String]) -> Option<&str> {
    let [shell, option, text] = words else { return None };
    let is_shell = ["ash", "bash", "dash", "ksh", "sh", "zsh"].contains(&program::file_name(shell));
    let flags = option.strip_prefix('-')?.strip_suffix('c')?;
    (is_shell && flags.chars().all(|flag| "eilux".contains(flag))).then_some(text)
}

/// Splits a shell's text into the words of one simple command; `None` where it is more than that, or where what comes of it
/// depends on more than the variables.
pub(super) fn simple(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Option<Simple> {
    let mut words = split(text, variable)?;
    let count = words.iter().take_while(|word| assignment(word).is_some()).count();
    let rest = words.split_off(count);
    let set = words.iter().filter_map(|word| assignment(word)).collect();
    let rest = if rest.first().is_some_and(|word| word == "exec") { rest[1..].to_vec() } else { rest };
    (!rest.is_empty()).then_some(Simple { set, words: rest })
}

/// Splits `NAME=VALUE`.
pub(super) fn assignment(word: &str) -> Option<(String, String)> {
    let (name, value) = word.split_once('=')?;
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    is_name.then(|| (name.to_owned(), value.to_owned()))
}

/// Writes a word so that a shell reads it as it is, the way that npm does.
pub(super) fn quoted(word: &str) -> String {
    let is_plain = |c: char| !c.is_whitespace() && !"'\"\\`$&|;<>()*?[]{}!#~%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

fn split(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = text.trim().chars().peekable();
    while let Some(c) = rest.next() {
        if c == ' ' || c == '\t' {
            words.extend(word.take());
            continue;
        }
        let begins = word.is_none();
        let word = word.get_or_insert_default();
        match c {
            '\'' => loop {
                match rest.next()? {
                    '\'' => break,
                    c => word.push(c),
                }
            },
            '"' => loop {
                match rest.next()? {
                    '"' => break,
                    '`' => return None,
                    '\\' if matches!(rest.peek(), Some('$' | '`' | '"' | '\\')) => word.extend(rest.next()),
                    '$' => word.push_str(&expanded(&mut rest, variable)?),
                    c => word.push(c),
                }
            },
            '\\' => word.push(rest.next().filter(|&c| c != '\n')?),
            // what an unquoted value falls apart into is for the shell to say
            '$' => word.push_str(&expanded(&mut rest, variable).filter(|value| is_one_word(value))?),
            '#' | '!' | '~' | '{' | '}' if !begins => word.push(c),
            '#' | '!' | '~' | '{' | '}' | ';' | '&' | '|' | '<' | '>' | '(' | ')' | '`' | '*' | '?' | '[' | '\n' => {
                return None;
            }
            c => word.push(c),
        }
    }
    words.extend(word);
    Some(words)
}

fn is_one_word(value: &str) -> bool {
    !value.is_empty() && !value.contains(|c: char| c.is_whitespace() || "*?[".contains(c))
}

/// Expands `$NAME` or `${NAME}`, behind the dollar sign.
fn expanded(
    rest: &mut std::iter::Peekable<std::str::Chars<'_>>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Option<String> {
    let is_braced = rest.next_if_eq(&'{').is_some();
    let mut name = String::new();
    while let Some(c) = rest.next_if(|&c| c.is_ascii_alphanumeric() || c == '_') {
        name.push(c);
    }
    if is_braced {
        rest.next_if_eq(&'}')?;
    }
    variable(&name)
}
