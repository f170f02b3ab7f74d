//! Text that comes from elsewhere (names, command lines, paths, bodies), made safe and short for a terminal.

use std::{borrow::Cow, env, error::Error, fmt::Write, io, iter, path::Path};

use unicode_width::UnicodeWidthChar;

/// Escapes what could move the cursor, colour the screen or turn the line around: control characters,
/// bidirectional controls (Unicode TR 9) and line separators. Ordinary text comes back as it is.
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\n' => safe.push_str("\\n"),
            '\r' => safe.push_str("\\r"),
            '\t' => safe.push_str("\\t"),
            unsafe_one if is_unsafe(unsafe_one) => {
                let _ = write!(safe, "\\u{{{:x}}}", u32::from(unsafe_one));
            }
            ordinary => safe.push(ordinary),
        }
    }
    Cow::Owned(safe)
}

fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Returns how many columns the text takes on a terminal.
pub fn width(text: &str) -> usize {
    text.chars().map(|character| character.width().unwrap_or(0)).sum()
}

/// Cuts the text to `columns`, with `…` as the last one where something was cut.
pub fn cut(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let mut taken = 0;
    let kept = text.chars().take_while(|character| {
        taken += character.width().unwrap_or(0);
        taken < columns
    });
    Cow::Owned(kept.chain(iter::once('…').filter(|_| columns > 0)).collect())
}

/// Breaks a text between its words into lines of at most `columns`; a word that is longer stays whole, as somebody may want
/// to copy it.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if width(line) + 1 + width(word) <= columns => line.extend([" ", word]),
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Shows a path: escaped, and with `~` for the user's own home folder.
pub fn path(path: &Path) -> String {
    let home = env::home_dir().filter(|home| home.is_absolute() && home.parent().is_some());
    let shown = match home.and_then(|home| path.strip_prefix(home).ok().map(Path::to_path_buf)) {
        Some(rest) if rest.as_os_str().is_empty() => "~".to_owned(),
        Some(rest) => format!("~/{}", rest.to_string_lossy()),
        None => path.to_string_lossy().into_owned(),
    };
    escape(&shown).into_owned()
}

/// Words an operating system's error as the end of a sentence: `permission denied`.
pub fn os_error(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error ").next().unwrap_or(&text);
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some(first), Some(second)) if !second.is_uppercase() => {
            first.to_lowercase().chain(iter::once(second)).chain(characters).collect()
        }
        _ => text.to_owned(),
    }
}

/// Words a failure and its causes as one line: `cannot read the socket table: permission denied`.
pub fn failure(error: &(dyn Error + 'static)) -> String {
    let mut said: Vec<String> = iter::successors(Some(error), |&error| error.source())
        .map(|cause| cause.downcast_ref().map_or_else(|| cause.to_string(), os_error))
        .collect();
    // a transparent wrapper says the same as its source
    said.dedup();
    escape(&said.join(": ")).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_fool_a_terminal_is_escaped_and_the_rest_is_not() {
        assert_eq!(escape("a\nb\t\x1b[31mred\u{202e}x"), "a\\nb\\t\\u{1b}[31mred\\u{202e}x");
        assert!(matches!(escape("naïve 日本語 🙂"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_cut_keeps_within_the_columns_also_with_wide_characters() {
        assert_eq!(cut("python3", 7), "python3");
        assert_eq!(cut("python3", 6), "pytho…");
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("日本語", 4), "日…");
        assert_eq!(cut("abc", 0), "");
    }

    #[test]
    fn a_text_is_broken_between_its_words() {
        for (columns, expected) in [
            (28, vec!["python3 ended with status 1"]),
            (26, vec!["python3 ended with status", "1"]),
            (13, vec!["python3 ended", "with status 1"]),
            (5, vec!["python3", "ended", "with", "status", "1"]),
        ] {
            assert_eq!(wrap("python3 ended with status 1", columns), expected);
        }
        assert_eq!(wrap("", 10), [""]);
    }

    #[test]
    fn a_failure_is_told_with_its_causes_and_each_once() {
        #[derive(Debug, thiserror::Error)]
        enum Failure {
            #[error("cannot read \u{1b}")]
            Read(#[source] io::Error),
            #[error(transparent)]
            Wrapped(Box<Self>),
        }
        let failure_of = Failure::Wrapped(Box::new(Failure::Read(io::Error::from_raw_os_error(13))));
        assert_eq!(failure(&failure_of), "cannot read \\u{1b}: permission denied");
    }

    #[test]
    fn a_path_below_the_home_folder_is_shown_from_there() {
        let Some(home) = env::home_dir().filter(|home| home.parent().is_some()) else { return };
        assert_eq!((path(&home).as_str(), path(&home.join("a b")).as_str()), ("~", "~/a b"));
        assert_eq!(path(Path::new("/nowhere/\n")), "/nowhere/\\n");
    }

    #[test]
    fn an_error_reads_as_the_end_of_a_sentence() {
        assert_eq!(os_error(&io::Error::from_raw_os_error(13)), "permission denied");
    }
}
