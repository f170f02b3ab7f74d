//! The folder that a process was started in, wherever it went since.

use std::path::Path;

use super::{compared::Running, program::absolute};

/// Tells whether the process was started in a folder: it is there, or it went from there where servers go. `words` is what is
/// asked for.
///
/// `PWD` alone is not enough: what starts programs in other folders seldom changes it.
pub(super) fn is_started_in(folder: &Path, words: &[String], running: &Running<'_>) -> bool {
    let Some(cwd) = running.cwd() else { return false };
    if cwd == folder {
        return true;
    }
    let is_root = cwd == Path::new("/");
    match running.started_in() {
        Some(from) => {
            from == folder && (is_root || names(running.words(), folder, cwd) || is_data_folder(running, folder))
        }
        None => {
            is_root
                && running.hides_environment()
                && running.title().is_some()
                && words.iter().skip(1).all(|word| is_absolute(word))
        }
    }
}

/// `busybox httpd -h FOLDER`, `mariadbd --datadir=FOLDER`, `postgres -D FOLDER`.
fn names(words: &[String], from: &Path, cwd: &Path) -> bool {
    words.iter().skip(1).any(|word| {
        let glued = word.strip_prefix('-').and_then(|option| option.get(1..));
        let values = [Some(word.as_str()), word.split_once('=').map(|(_, value)| value), glued];
        values.into_iter().flatten().filter(|value| !value.is_empty()).any(|value| absolute(from, value) == cwd)
    })
}

fn is_data_folder(running: &Running<'_>, from: &Path) -> bool {
    running.variable("PGDATA").is_some_and(|data| running.cwd() == Some(&absolute(from, &data)))
}

/// Tells whether an argument means the same in every folder.
fn is_absolute(word: &str) -> bool {
    let value = match word.split_once('=') {
        Some((_, value)) => value,
        None if word.starts_with("--") => "",
        None => word.strip_prefix('-').map_or(word, |option| option.get(1..).unwrap_or_default()),
    };
    value.starts_with('/') || !value.contains(char::is_alphabetic)
}
