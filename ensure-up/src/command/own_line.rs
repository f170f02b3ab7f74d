//! This process's own command line, which every user may read for as long as it runs: what is secret there is blotted out
//! once it was parsed. On Linux; elsewhere it stays.

use std::ops::Range;

/// The options whose values hold secrets, and what stands before the secret in a value.
const SECRET: [(&str, u8); 2] = [("--env", b'='), ("--header", b':')];

/// The short form of the last of them.
const SHORT: u8 = b'H';

/// Blots out the values of variables and headers.
pub(super) fn blot_out() {
    #[cfg(target_os = "linux")]
    if let Some(line) = linux::own_line() {
        for secret in secrets(line) {
            line[secret].fill(b'*');
        }
    }
}

/// Finds what is secret in a command line, in which each word ends with a NUL.
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "Linux only"))]
fn secrets(line: &[u8]) -> Vec<Range<usize>> {
    let (mut found, mut at, mut expected) = (Vec::new(), 0, None);
    for word in line.split(|&byte| byte == 0) {
        let (value, mark) = match expected.take() {
            Some(mark) => (Some(0), mark),
            // the rest is the server's
            None if word == b"--" => break,
            None => match option(word) {
                Some((value, mark)) if value.is_none() => {
                    expected = Some(mark);
                    (None, mark)
                }
                Some(option) => option,
                None => (None, 0),
            },
        };
        let secret = value.and_then(|value| Some(value + word[value..].iter().position(|&byte| byte == mark)? + 1));
        found.extend(secret.map(|secret| at + secret..at + word.len()));
        at += word.len() + 1;
    }
    found
}

/// Tells whether a word is such an option: where its value begins in it, if it does, and what stands before the secret.
fn option(word: &[u8]) -> Option<(Option<usize>, u8)> {
    for (name, mark) in SECRET {
        match word.strip_prefix(name.as_bytes()) {
            Some([]) => return Some((None, mark)),
            Some([b'=', ..]) => return Some((Some(name.len() + 1), mark)),
            _ => {}
        }
    }
    let is_short = word.len() > 1 && word[0] == b'-' && word[1] != b'-';
    let end = word.iter().position(|&byte| byte == SHORT).filter(|_| is_short)? + 1;
    Some((Some(end).filter(|&end| end < word.len()), b':'))
}

#[cfg(target_os = "linux")]
mod linux {
    use std::{fs, ptr, slice};

    /// Returns where the kernel has this process's command line: `arg_start` and `arg_end` of proc_pid_stat(5).
    pub(super) fn own_line() -> Option<&'static mut [u8]> {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(45);
        let mut address = || fields.next()?.parse::<usize>().ok().filter(|&address| address != 0);
        let (first, behind) = (address()?, address()?);
        let length = behind.checked_sub(first)?;
        // SAFETY: execve(2) laid the words out there, on the stack of the first thread, where they stay for as long as the
        // process lives; what was read of them so far was copied, and nobody else runs yet.
        Some(unsafe { slice::from_raw_parts_mut(ptr::with_exposed_provenance_mut(first), length) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blotted(words: &[&str]) -> String {
        let mut line = words.iter().flat_map(|word| [word.as_bytes(), b"\0"].concat()).collect::<Vec<u8>>();
        for secret in secrets(&line) {
            line[secret].fill(b'*');
        }
        String::from_utf8(line).expect("text").replace('\0', " ")
    }

    #[test]
    fn only_the_values_of_variables_and_headers_are_blotted_out() {
        for (words, expected) in [
            (
                &["e", "--env", "A=b=c", "--env=D=ef", "--env", "G", "--env-file", "h=i"][..],
                "e --env A=*** --env=D=** --env G --env-file h=i ",
            ),
            (&["e", "-H", "A: b", "-HC: d", "-qH", "E:f", "--header=G: h"], "e -H A:** -HC:** -qH E:* --header=G:** "),
            (
                &["e", "--port", "80", "--then", "a=b", "--", "x", "--env", "A=b"],
                "e --port 80 --then a=b -- x --env A=b ",
            ),
            (&["e", "--env"], "e --env "),
        ] {
            assert_eq!(blotted(words), expected);
        }
    }
}
