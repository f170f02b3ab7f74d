//! Standard input, line by line.

use std::io::{self, Read};

use super::{EXPECTED, Selected, is_pid, parse_pid};
use crate::cli::size;

/// How much is read at most, in bytes: records of a hundred thousand sockets.
const MOST: u64 = 64 << 20;

/// How many lines at most: there are no more PIDs (`PID_MAX_LIMIT`).
const MOST_LINES: usize = 1 << 22;

/// A standard input that names no processes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidInput {
    /// A line names none.
    #[error("standard input, line {line}: invalid process {text:?}: {reason}")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// How it begins.
        text: String,
        /// Why not.
        reason: String,
    },
    /// It is more than any machine has processes.
    #[error("standard input is larger than {}, or has more than {MOST_LINES} lines", size::display(MOST))]
    TooLarge,
}

/// Reads all of it, and what it names.
///
/// # Errors
/// When it cannot be read.
pub fn read(input: impl Read) -> io::Result<Result<Vec<Selected>, InvalidInput>> {
    let mut text = Vec::new();
    input.take(MOST + 1).read_to_end(&mut text)?;
    let has_too_many = || text.split(|&byte| byte == b'\n').nth(MOST_LINES).is_some();
    let is_too_large = text.len() as u64 > MOST || has_too_many();
    Ok(if is_too_large { Err(InvalidInput::TooLarge) } else { parse(&String::from_utf8_lossy(&text)) })
}

/// Reads one process per line: a bare PID, or a JSON object with `pid` and optionally `start_id`, `port` and `protocol`.
/// Blank lines are skipped.
///
/// # Errors
/// For the first line that is neither; then no line counts.
fn parse(input: &str) -> Result<Vec<Selected>, InvalidInput> {
    input
        .lines()
        .map(str::trim)
        .enumerate()
        .filter(|(_, text)| !text.is_empty())
        .map(|(index, text)| {
            parse_line(text).map_err(|reason| InvalidInput::Line {
                line: index + 1,
                text: text.chars().take(60).collect(),
                reason,
            })
        })
        .collect()
}

fn parse_line(text: &str) -> Result<Selected, String> {
    let selected = if text.starts_with('{') {
        let missing: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(text).map_err(|error| format!("not a JSON object ({error})"))?;
        if !missing.contains_key("pid") {
            return Err("the object has no key \"pid\"".into());
        }
        serde_json::from_str(text).map_err(|error| error.to_string())?
    } else {
        match parse_pid(text) {
            Ok(pid) => Selected::from(pid),
            Err(_) => return Err(format!("{EXPECTED} or a JSON object with \"pid\"")),
        }
    };
    match selected.pid {
        Some(pid) if !is_pid(pid) => Err(EXPECTED.into()),
        _ if selected.port == Some(0) => Err("a port is a number from 1 to 65535".into()),
        _ => Ok(selected),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_pids_and_records_may_be_mixed_and_unknown_keys_do_not_matter() {
        let input = "4711\n\n{\"pid\":12,\"start_id\":99,\"port\":8000,\"name\":\"x\"}\r\n{\"pid\":null,\"port\":1}\n";
        let selected = parse(input).expect("every line is good");
        let brief: Vec<_> = selected.iter().map(|one| (one.pid, one.start_id, one.port)).collect();
        assert_eq!(brief, [(Some(4711), None, None), (Some(12), Some(99), Some(8000)), (None, None, Some(1))]);
    }

    #[test]
    fn a_bad_line_is_named_by_its_number() {
        for (input, line) in [
            ("1\nx\n", 2),
            ("\n\n-5", 3),
            ("0", 1),
            ("{\"port\":1}", 1),
            ("1\n{\"pid\":\"2\"}", 2),
            ("{", 1),
            ("+7", 1),
            ("1\n{\"pid\":2,\"port\":0}", 2),
            ("{\"pid\":2,\"port\":65536}", 1),
        ] {
            let message = parse(input).expect_err(input).to_string();
            assert!(message.contains(&format!("line {line}:")), "{message}");
        }
    }
}
