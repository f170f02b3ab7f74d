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

#[cfg(test)]
mod tests {
    use super::{super::tests::owned, *};

    #[test]
    fn a_shell_is_given_its_text_behind_flags_that_change_nothing_of_it() {
        for (words, expected) in [
            (&["sh", "-c", "serve"][..], Some("serve")),
            (&["/bin/bash", "-lc", "serve"], Some("serve")),
            (&["sh", "-rc", "serve"], None),
            (&["sh", "-l", "serve"], None),
            (&["python3", "-c", "serve"], None),
            (&["sh", "-c", "serve", "name"], None),
        ] {
            assert_eq!(script(&owned(words)), expected, "{words:?}");
        }
    }

    #[test]
    fn a_variable_is_set_by_a_name_of_letters_digits_and_underscores() {
        for (word, expected) in [
            ("A=1", Some(("A", "1"))),
            ("_A2=b=c", Some(("_A2", "b=c"))),
            ("a_b=", Some(("a_b", ""))),
            ("2A=1", None),
            ("A-B=1", None),
            ("=1", None),
            ("A", None),
        ] {
            let expected = expected.map(|(name, value): (&str, &str)| (name.to_owned(), value.to_owned()));
            assert_eq!(assignment(word), expected, "{word}");
        }
    }

    #[test]
    fn a_word_is_quoted_where_a_shell_would_read_another_one() {
        for (word, expected) in
            [("--port=7007", "--port=7007"), ("", "''"), ("a b", "'a b'"), ("$A", "'$A'"), ("it's", r"'it'\''s'")]
        {
            assert_eq!(quoted(word), expected, "{word}");
        }
    }

    #[test]
    fn a_text_is_split_as_a_shell_splits_it_or_not_at_all() {
        let variable = |name: &str| match name {
            "ONE" => Some("1".to_owned()),
            "TWO" => Some("1 2".to_owned()),
            "MANY" => Some("*".to_owned()),
            "NONE" => Some(String::new()),
            _ => None,
        };
        for (text, expected) in [
            (" a \t b ", Some(&["a", "b"][..])),
            ("a'b c'd", Some(&["ab cd"])),
            (r"a\ b \'", Some(&["a b", "'"])),
            ("a\\\nb", None),
            (r#""a b" "\"\\\$\`" "a\b""#, Some(&["a b", r#""\$`"#, r"a\b"])),
            ("\"`a`\"", None),
            ("a#b a!b a~b a{b a}b", Some(&["a#b", "a!b", "a~b", "a{b", "a}b"])),
            ("a #b", None),
            ("a; b", None),
            ("$ONE ${ONE}a \"$TWO$NONE\"", Some(&["1", "1a", "1 2"])),
            ("a $TWO", None),
            ("a $MANY", None),
            ("a $NONE", None),
            ("a $UNKNOWN", None),
        ] {
            assert_eq!(split(text, &variable), expected.map(owned), "{text}");
        }
    }
}
