//! Command lines as people read them: short, where nothing that tells one process from another is lost.

use std::{borrow::Cow, path::Path};

use crate::{Facts, facts};

/// Folders that say nothing of the programs in them: those of a system, of a version manager, of a virtual environment, and of
/// an application on macOS.
const OF_PROGRAMS: [&str; 4] = ["bin", "sbin", ".bin", "MacOS"];

/// Shows a process's command line: joined by spaces, `/usr/bin/python3 -m punie` as `python3 -m punie`, without the padding that
/// a title leaves where the command line was; the name in brackets where there is none.
pub fn of(process: &Facts) -> String {
    shown(process.command.as_deref(), &process.name)
}

/// Shows the command line of a process with this name, as [`of`].
pub fn shown(words: Option<&[String]>, name: &str) -> String {
    let joined = facts::command_line(words, name);
    let line = joined.trim_end();
    if line.is_empty() {
        return facts::command_line(None, name);
    }
    // a title is one word, which may begin with a program's path too
    let (program, rest) = line.split_at(line.find(' ').unwrap_or(line.len()));
    let folder = Path::new(program).parent().and_then(Path::file_name);
    match Path::new(program).file_name().and_then(|file| file.to_str()) {
        Some(file) if program.starts_with('/') && OF_PROGRAMS.iter().any(|&known| folder == Some(known.as_ref())) => {
            format!("{file}{rest}")
        }
        _ => line.to_owned(),
    }
}

/// Quotes a word for the shell, where it needs that.
pub fn quoted(word: &str) -> Cow<'_, str> {
    let is_plain = |one: char| one.is_alphanumeric() || "-_.,:/@%+=".contains(one);
    if !word.is_empty() && word.chars().all(is_plain) {
        Cow::Borrowed(word)
    } else {
        Cow::Owned(format!("'{}'", word.replace('\'', "'\\''")))
    }
}

/// Joins words into a line that the shell takes apart into the same words.
pub fn typed<'w>(words: impl IntoIterator<Item = &'w str>) -> String {
    words.into_iter().map(quoted).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_loses_its_folder_where_it_says_nothing_and_a_title_its_padding() {
        for (words, line) in [
            (&["/usr/bin/python3", "-m", "punie"][..], "python3 -m punie"),
            (&["/home/dev/.venv/bin/python3.12", "/srv/bin/uvicorn", "app:app"], "python3.12 /srv/bin/uvicorn app:app"),
            (&["/opt/hostedtoolcache/node/22/bin/node", "server.js"], "node server.js"),
            (&["/usr/sbin/sshd -D [listener] 0 of 10-100 startups"], "sshd -D [listener] 0 of 10-100 startups"),
            (&["/home/dev/one/server", "-v"], "/home/dev/one/server -v"),
            (&["./bin/server"], "./bin/server"),
            (&["npm start", "", "", ""], "npm start"),
            (&["nginx: worker process     "], "nginx: worker process"),
            (&["-zsh"], "-zsh"),
            (&["/bin/"], "/bin/"),
            (&[], "[kworker]"),
            (&["", ""], "[kworker]"),
        ] {
            let words: Vec<String> = words.iter().copied().map(str::to_owned).collect();
            assert_eq!(shown(Some(&words), "kworker"), line, "{words:?}");
        }
        assert_eq!(shown(None, "sshd"), "[sshd]");
    }

    #[test]
    fn a_line_to_type_is_quoted_where_the_shell_would_take_it_apart() {
        assert_eq!(typed(["sh", "-c", "echo it's $1", "", "a=b"]), r"sh -c 'echo it'\''s $1' '' a=b");
    }
}
