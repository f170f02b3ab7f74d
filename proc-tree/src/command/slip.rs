//! Words where a PID belongs, and the line that each of them was meant to be.

use proc_tree::{
    cli::{command_line::typed, line::Line},
    roots::Missing,
    selection::parse_pid,
};

/// Finds the first operand that is no PID; returns what was meant by it.
pub(super) fn meant(line: &Line<'_>) -> Option<String> {
    let end = line.separator().unwrap_or(line.words().len());
    let words: Vec<&str> = line.words()[..end].iter().map(|word| word.to_str()).collect::<Option<_>>()?;
    let is_no_pid = |&at: &usize| words[at] != "-" && parse_pid(words[at]).is_err();
    let at = line.operands().into_iter().find(is_no_pid)?;
    no_pid(&words[..at], words[at], &words[at + 1..])
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

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use proc_tree::cli::tool::Tool;

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
            ("python3", Some("proc-tree $(pgrep -x python3) takes processes by name; proc-tree -- python3 runs it")),
            ("--interval 0 4711", None),
            ("- 1,2", Some("proc-tree - 1 2")),
            ("4711x", None),
            ("4711 -x", None),
            ("--json -- make", None),
        ] {
            let words: Vec<OsString> = line.split(' ').map(Into::into).collect();
            assert_eq!(meant(&Line::new(&definition, &words)).as_deref(), expected, "{line}");
        }
    }
}
