//! A pattern for `--match` that a person can read.

use proc_tree::cli::text;
use regex::Regex;

/// Returns a pattern that a command line matches and a person can read: the program's name and what follows, whole words as
/// far as they fit and could stand in a shell's quotes on one line.
pub(super) fn of(line: &str) -> String {
    const LONGEST: usize = 60;
    let (program, arguments) = line.split_once(' ').unwrap_or((line, ""));
    let program = program.rsplit('/').next().unwrap_or(program);
    if program.is_empty() || text::escape(program) != program {
        return text::escape(&regex::escape(line)).into_owned();
    }
    let mut shown = program.to_owned();
    for (place, word) in arguments.split(' ').filter(|_| !arguments.is_empty()).enumerate() {
        let fits = place == 0 || shown.len() + word.len() < LONGEST;
        if !fits || text::escape(word) != word {
            break;
        }
        shown.extend([" ", word]);
    }
    let is_pattern = Regex::new(&shown).is_ok_and(|pattern| pattern.is_match(line));
    if is_pattern {
        return shown;
    }
    // a dot that matches any character matches itself as well, and reads better
    let escaped = |one: char| if r"\+*?()|[]{}^$".contains(one) { format!("\\{one}") } else { one.to_string() };
    shown.chars().map(escaped).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_that_is_offered_matches_and_can_be_read() {
        for (line, expected) in [
            ("/usr/bin/node server.js", "node server.js"),
            ("node", "node"),
            ("python3 -c import socket,time\ns=socket.socket()", "python3 -c import"),
            ("/usr/bin/python3 -c f(x) + 1", "python3 -c f\\(x\\) \\+ 1"),
            ("redis-server *:6379", "redis-server \\*:6379"),
        ] {
            assert_eq!(of(line), expected);
        }
        let long = format!("/opt/{0}/bin/java -cp {0} {0} Main", "x".repeat(50));
        let short = of(&long);
        assert_eq!(short, format!("java -cp {}", "x".repeat(50)));
        for line in [long.as_str(), "\u{1b}[31m *x", "a  b", "", "./a/ b"] {
            let pattern = Regex::new(&of(line)).unwrap_or_else(|error| panic!("{line:?}: {error}"));
            assert!(pattern.is_match(line), "{line:?} {pattern}");
        }
    }
}
