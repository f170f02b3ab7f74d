//! Words where a PID belongs, and the line that each of them was meant to be.

use clap::{Arg, Command};
use proc_tree::{cli::command_line::typed, roots::Missing, selection::parse_pid};

/// Finds the first word behind the command's name that is no PID; returns what was meant by it.
pub(super) fn meant(words: &[String], definition: &Command) -> Option<String> {
    let words: Vec<&str> = words.iter().map(String::as_str).take_while(|&word| word != "--").collect();
    let mut index = 0;
    while let Some(&word) = words.get(index) {
        if !word.starts_with('-') && parse_pid(word).is_err() {
            return no_pid(&words[..index], word, &words[index + 1..]);
        }
        index += if takes_next(definition, word) { 2 } else { 1 };
    }
    None
}

/// A word where a PID belongs: several PIDs, a port, a command, or the name of a process.
fn no_pid(before: &[&str], word: &str, after: &[&str]) -> Option<String> {
    let options = if before.is_empty() { String::new() } else { format!(" {}", typed(before.iter().copied())) };
    let pids: Vec<&str> = word.split(',').collect();
    let port = word.trim_start_matches(':').split('/').next().unwrap_or_default();
    if are_pids(&pids) {
        return Some(format!("proc-tree{options} {}", typed([&pids, after].concat())));
    }
    if port != word && port.parse::<u16>().is_ok() {
        return Some(format!("port-who {} | proc-tree{options}", typed([word])));
    }
    if !word.starts_with(|first: char| first.is_alphabetic() || "./~_".contains(first)) {
        return None;
    }
    Some(if after.is_empty() && !word.contains('/') {
        let word = typed([word]);
        format!("proc-tree{options} $(pgrep -x {word}) takes processes by name; proc-tree{options} -- {word} runs it")
    } else {
        format!("proc-tree{options} -- {}", typed([&[word], after].concat()))
    })
}

/// Returns what was meant where the PID that is missing stands behind --watch, as an interval would in another program.
pub(super) fn detached_interval(missing: &Missing, words: &[String]) -> Option<String> {
    let Missing::Gone(pid) = missing else { return None };
    let is_it = |pair: &[String]| pair[0] == "--watch" && pair[1] == pid.to_string();
    words.windows(2).any(is_it).then(|| format!("an interval is attached to its option: --watch={pid}"))
}

fn are_pids(words: &[&str]) -> bool {
    words.iter().all(|word| parse_pid(word).is_ok())
}

/// Tells whether the word behind an option is its value.
fn takes_next(definition: &Command, word: &str) -> bool {
    let is_meant = |argument: &&Arg| argument.get_long().is_some_and(|long| word.strip_prefix("--") == Some(long));
    definition
        .get_arguments()
        .find(is_meant)
        .is_some_and(|found| found.get_action().takes_values() && !found.is_require_equals_set())
}

#[cfg(test)]
mod tests {
    use proc_tree::cli::status::Tool;

    use super::*;
    use crate::command::arguments::Arguments;

    #[test]
    fn a_word_that_is_no_pid_gets_the_line_that_was_meant() {
        let definition = <Arguments as Tool>::definition();
        for (line, expected) in [
            ("1,2", Some("proc-tree 1 2")),
            (":8000", Some("port-who :8000 | proc-tree")),
            ("--members 8000/tcp", Some("port-who 8000/tcp | proc-tree --members")),
            ("--sort memory make -j8", Some("proc-tree --sort memory -- make -j8")),
            ("./server", Some("proc-tree -- ./server")),
            ("--interval 0 4711", None),
            ("4711x", None),
            ("4711 -x", None),
            ("--json -- make", None),
        ] {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            assert_eq!(meant(&words, &definition).as_deref(), expected, "{line}");
        }
        let by_name = meant(&["python3".to_owned()], &definition);
        let expected = "proc-tree $(pgrep -x python3) takes processes by name; proc-tree -- python3 runs it";
        assert_eq!(by_name.as_deref(), Some(expected));
    }
}
