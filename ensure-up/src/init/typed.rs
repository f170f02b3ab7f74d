//! What somebody typed to start a process, as far as the process still shows it.

use std::{
    env,
    fs::{File, Metadata},
    io::{BufRead, BufReader, Read},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use proc_tree::Facts;

use crate::server::{asker, command::Running};

/// What the scripts of interpreters end in.
const SCRIPTS: [&str; 9] = ["py", "js", "mjs", "cjs", "ts", "rb", "pl", "php", "sh"];

/// Tells whether a file's name says that an interpreter runs it.
pub(super) fn is_script(path: &Path) -> bool {
    path.extension().is_some_and(|kind| SCRIPTS.iter().any(|known| kind == *known))
}

/// Returns the command line of a process that was started in this folder; `None` where a title stands in its place that does
/// not hold all of it.
pub(super) fn command(process: &Facts, folder: &Path) -> Option<Vec<String>> {
    if let Some(title) = Running::new(process, None).title() {
        return titled(title, &|word| is_program(word, process, folder));
    }
    let words = process.command.as_deref().filter(|words| words.first().is_some_and(|word| !word.is_empty()))?;
    Some(script(words, folder).unwrap_or_else(|| words.to_vec()))
}

/// Returns the program of a process that shows a title: as the title begins where that is it, else where it lies.
pub(super) fn program(process: &Facts, folder: &Path) -> String {
    let line = process.command_line();
    let first = line.split([' ', ':']).next().unwrap_or_default();
    let lies =
        || process.executable.as_ref().map_or_else(|| process.name.clone(), |path| path.to_string_lossy().into());
    if is_program(first, process, folder) { first.to_owned() } else { lies() }
}

/// Tells whether a word names what the process executes, which may be what a link on the PATH leads to.
fn is_program(word: &str, process: &Facts, folder: &Path) -> bool {
    let found = asker::found(word.as_ref(), env::var_os("PATH"), folder);
    found.is_some() && found == process.executable
}

/// Takes the command out of a title that ends with it: `nginx: master process COMMAND`. Where the words of the command were parted
/// is not to be seen, so that two values one after the other could be one.
fn titled(title: &str, is_program: &dyn Fn(&str) -> bool) -> Option<Vec<String>> {
    let words: Vec<&str> = title.split_once(": ")?.1.split(' ').collect();
    let words = &words[words.iter().position(|word| is_program(word))?..];
    let is_plain =
        |pair: &[&str]| pair.iter().any(|word| word.starts_with('-')) && !pair.iter().any(|word| word.is_empty());
    // what sshd adds stands in brackets
    let is_whole = words.get(1..)?.windows(2).all(is_plain) && !words.iter().any(|word| word.starts_with('['));
    is_whole.then(|| words.iter().map(ToString::to_string).collect())
}

/// Returns the command line of a script without the interpreter of its first line, which the kernel puts in front with at most one
/// option; `None` where it is no such script, and where its name says what it is written in.
fn script(words: &[String], folder: &Path) -> Option<Vec<String>> {
    let (interpreter, rest) = words.split_first()?;
    let options = rest.iter().take(1).filter(|word| word.starts_with('-')).count();
    let (word, arguments) = rest[options..].split_first()?;
    let path = folder.join(word);
    if is_script(&path) || !is_run_by(&path, interpreter, rest[..options].first()) {
        return None;
    }
    let own = match path.strip_prefix(folder).map(Path::to_string_lossy) {
        Ok(own) if own.contains('/') => own.into_owned(),
        Ok(own) => format!("./{own}"),
        Err(_) => {
            let name = path.file_name()?;
            let is_on_path = asker::found(name.as_ref(), env::var_os("PATH"), folder) == path.canonicalize().ok();
            if is_on_path { name.to_string_lossy().into_owned() } else { word.clone() }
        }
    };
    Some([own].into_iter().chain(arguments.iter().cloned()).collect())
}

/// Tells whether the kernel runs a file by this interpreter with this option: execve(2), env(1).
fn is_run_by(path: &Path, interpreter: &str, option: Option<&String>) -> bool {
    let Some(line) = first_line(path) else { return false };
    let mut words = line.split_ascii_whitespace().filter(|word| *word != "-S");
    let is_it = match words.next() {
        Some(env) if env.ends_with("/env") => {
            words.next().is_some_and(|name| interpreter.rsplit('/').next() == Some(name))
        }
        Some(program) => program == interpreter,
        None => false,
    };
    is_it && words.next() == option.map(String::as_str)
}

/// Reads behind the `#!` of a file that can be executed.
fn first_line(path: &Path) -> Option<String> {
    // as much as the kernel reads
    const MOST: u64 = 256;
    let file = File::open(path).ok()?;
    let is_executable = file.metadata().ok().filter(Metadata::is_file)?.permissions().mode() & 0o111 != 0;
    let mut line = Vec::new();
    BufReader::new(file.take(MOST)).read_until(b'\n', &mut line).ok()?;
    let line = String::from_utf8(line).ok().filter(|_| is_executable)?;
    Some(line.strip_prefix("#!")?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_taken_out_of_a_title_only_where_its_words_are_sure() {
        let is_program = |word: &str| ["nginx", "/usr/sbin/sshd"].contains(&word);
        for (title, command) in [
            ("nginx: master process nginx -c /srv/nginx.conf -e stderr", "nginx|-c|/srv/nginx.conf|-e|stderr"),
            ("nginx: master process nginx", "nginx"),
            ("nginx: master process nginx -g daemon off;", ""),
            ("nginx: worker process", ""),
            ("sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups", ""),
            ("redis-server *:6379", ""),
        ] {
            assert_eq!(titled(title, &is_program).unwrap_or_default().join("|"), command, "{title}");
        }
    }

    #[test]
    fn the_interpreter_of_a_script_is_taken_off_where_the_kernel_put_it() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let write = |name: &str, line: &str, mode: u32| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder is ours");
            std::fs::write(&path, line).expect("the folder is ours");
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).expect("the file is ours");
        };
        write("bin/api", "#!/venv/bin/python3\n", 0o755);
        write("vite", "#!/usr/bin/env node\n", 0o755);
        write("apart", "#! /usr/bin/python3 -s\n", 0o755);
        write("text", "#!/bin/sh\n", 0o644);
        write("server.py", "#!/usr/bin/python3\n", 0o755);
        let whole = format!("node {}/vite --port 1", folder.path().display());
        for (line, typed) in [
            ("/venv/bin/python3 bin/api app:app", Some("bin/api app:app")),
            (&whole, Some("./vite --port 1")),
            ("/usr/bin/python3 -s apart x", Some("./apart x")),
            ("/usr/bin/python3 apart x", None),
            ("/usr/bin/python3 bin/api app:app", None),
            ("/bin/sh text", None),
            ("/usr/bin/python3 server.py", None),
            ("redis-server", None),
        ] {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            assert_eq!(script(&words, folder.path()).map(|words| words.join(" ")).as_deref(), typed, "{line}");
        }
    }
}
