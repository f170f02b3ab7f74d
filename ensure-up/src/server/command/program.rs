//! Two command lines that mean the same program with the same arguments.

use std::path::{Component, Path, PathBuf};

/// Programs that run what their first argument names. The kernel puts them in front of a script's own command line.
const INTERPRETERS: [&str; 17] = [
    "ash", "bash", "bun", "dash", "deno", "ksh", "lua", "node", "nodejs", "perl", "php", "pypy", "python", "ruby",
    "sh", "tclsh", "zsh",
];
/// Options of theirs whose argument is a program's text, not its name.
const TAKES_TEXT: [&str; 5] = ["-c", "-e", "-E", "-p", "-r"];

/// Where programs are found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    /// What the process executes.
    pub(super) executable: Option<&'a Path>,
    /// The program that is wanted, as it was found in `PATH`.
    pub(super) program: Option<&'a Path>,
    /// The folder that relative paths start from.
    pub(super) folder: &'a Path,
}

/// Tells whether a process's command line is the one that is wanted.
///
/// A script's interpreter, with at most one option, may stand in front, and the path that the program was found at in place
/// of its name. Its arguments are the same to the letter.
pub(super) fn is_same_command(words: &[String], wanted: &[String], place: &Place<'_>) -> bool {
    let Some(extra) = words.len().checked_sub(wanted.len()) else { return false };
    let (prefix, words) = words.split_at(extra);
    let is_run_by = match prefix {
        [] => true,
        [interpreter] => is_interpreter(interpreter),
        [interpreter, option] => {
            is_interpreter(interpreter) && option.starts_with('-') && !TAKES_TEXT.contains(&option.as_str())
        }
        _ => false,
    };
    let (Some((word, arguments)), Some((name, wanted))) = (words.split_first(), wanted.split_first()) else {
        return false;
    };
    is_run_by && arguments == wanted && is_program(word, name, place)
}

/// Tells whether a word of a command line means the program that is wanted.
fn is_program(word: &str, wanted: &str, place: &Place<'_>) -> bool {
    if word == wanted {
        return true;
    }
    if file_name(word) != file_name(wanted) {
        return false;
    }
    let path = absolute(place.folder, word);
    !wanted.contains('/') || path == absolute(place.folder, wanted) || place.program == Some(&path) || place.is_native()
}

impl Place<'_> {
    /// Tells whether the process executes the program itself, and not what interprets it.
    pub(super) fn is_native(&self) -> bool {
        self.executable.is_some_and(|executable| self.program == Some(executable) && !is_interpreter_path(executable))
    }
}

/// Tells whether this program runs what its first argument names; its version may stand behind its name.
fn is_interpreter(program: &str) -> bool {
    let name = file_name(program).trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
    INTERPRETERS.contains(&name)
}

/// See [`is_interpreter`].
fn is_interpreter_path(program: &Path) -> bool {
    program.to_str().is_some_and(is_interpreter)
}

/// Returns what stands behind the last slash.
pub(super) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Returns the path from the root, without a look at the file system.
pub(super) fn absolute(folder: &Path, path: &str) -> PathBuf {
    let mut whole = folder.to_owned();
    for part in Path::new(path).components() {
        match part {
            Component::RootDir => whole = PathBuf::from("/"),
            Component::ParentDir => drop(whole.pop()),
            Component::Normal(name) => whole.push(name),
            Component::CurDir | Component::Prefix(_) => {}
        }
    }
    whole
}
