//! The last lines of a log: read, or the place where they begin, both from its end: a log may be large.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
    path::Path,
    sync::LazyLock,
};

use proc_tree::cli::text;
use regex::Regex;

/// How many lines of a log are shown when a start failed.
pub const SHOWN: usize = 20;

/// How many bytes are read at once.
const CHUNK: u64 = 64 * 1024;

/// How wide a line is quoted at most: one without an end fills no screen and no record.
pub(super) const WIDEST: usize = 1000;

/// What tells a terminal to show a colour or its cursor (ECMA-48, control sequences).
static CONTROL: LazyLock<Regex> =
    LazyLock::new(|| Regex::new("\x1b\\[[0-?]*[ -/]*[@-~]").expect("a pattern that compiles"));

/// Reads the last lines of a log as they are quoted, as far as they stand in its last 64 KiB; what cannot be read is as good
/// as empty.
pub fn lines(path: &Path, most: usize) -> Vec<String> {
    let text = since(path, 0);
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(most)..].iter().map(|line| quoted(line)).collect()
}

/// Reads what stands in a log behind this place, as far as it is in its last 64 KiB; what cannot be read is as good as empty.
pub(crate) fn since(path: &Path, before: u64) -> String {
    let end = || -> io::Result<Vec<u8>> {
        // to open a pipe waits for its writer
        if !fs::metadata(path)?.is_file() {
            return Ok(Vec::new());
        }
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        read(&mut file, length.saturating_sub(CHUNK).max(before), length)
    };
    String::from_utf8_lossy(&end().unwrap_or_default()).into_owned()
}

/// Counts the lines behind the last one that begins with `mark`; all of them where none does.
pub(super) fn count_behind(mark: &str, path: &Path) -> u64 {
    let Ok(file) = File::open(path) else { return 0 };
    let (mut log, mut part, mut count, mut begins) = (BufReader::new(file), Vec::new(), 0, true);
    // a line without an end must not fill the memory
    while (&mut log).take(CHUNK).read_until(b'\n', &mut part).is_ok_and(|read| read > 0) {
        count = if begins && part.starts_with(mark.as_bytes()) { 0 } else { count + u64::from(begins) };
        begins = part.ends_with(b"\n");
        part.clear();
    }
    count
}

/// Quotes a line: without its colours, and cut where it is too long.
pub(super) fn quoted(line: &str) -> String {
    text::cut(&CONTROL.replace_all(line, ""), WIDEST).into_owned()
}

/// Finds the place where the last lines begin, at most so many, and tells how many there are from there on.
pub(super) fn place(file: &mut File, most: u64) -> io::Result<(u64, u64)> {
    let length = file.metadata()?.len();
    let (mut from, mut found) = (length, 0);
    if most == 0 || length == 0 {
        return Ok((length, 0));
    }
    while from > 0 {
        let start = from.saturating_sub(CHUNK);
        let chunk = read(file, start, from)?;
        for (place, _) in chunk.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n') {
            let after = start + place as u64 + 1;
            // the end of the last line begins no other
            if after < length {
                found += 1;
                if found == most {
                    return Ok((after, found));
                }
            }
        }
        from = start;
    }
    Ok((0, found + 1))
}

fn read(file: &mut File, from: u64, to: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(from))?;
    file.take(to.saturating_sub(from)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn the_lines_behind_the_last_mark_are_counted() {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
        for (more, expected) in
            [("one\ntwo\n", 2), ("ensure-up: x\n", 0), ("three\n", 1), ("ensure-up: y\nfour\nfive", 2)]
        {
            file.write_all(more.as_bytes()).expect("it is ours");
            assert_eq!(count_behind("ensure-up: ", file.path()), expected, "{more:?}");
        }
        assert_eq!(count_behind("ensure-up: ", Path::new("/nowhere")), 0);
    }

    #[test]
    fn a_line_is_quoted_without_what_is_for_the_terminal_alone_and_cut() {
        for (line, expected) in [
            ("\x1b[31mred\x1b[0m \x1b[38:5:1mred", "red red"),
            ("\x1b[?25hcursor\x1b[2K\x1b[1 q", "cursor"),
            ("[31m \x1b]0;title\x07", "[31m \x1b]0;title\x07"),
        ] {
            assert_eq!(quoted(line), expected);
        }
        let long = "x".repeat(WIDEST);
        assert_eq!(quoted(&long), long);
        assert_eq!(quoted(&format!("{long}x")), format!("{}…", "x".repeat(WIDEST - 1)));
    }

    #[test]
    fn what_stands_behind_a_place_is_read_and_no_more_than_the_end() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let path = folder.path().join("log");
        fs::write(&path, "old\nnew\n").expect("the folder is ours");
        for (before, expected) in [(0, "old\nnew\n"), (4, "new\n"), (8, ""), (99, "")] {
            assert_eq!(since(&path, before), expected);
        }
        File::options().write(true).open(&path).and_then(|file| file.set_len(1 << 40)).expect("a file may have holes");
        assert_eq!(since(&path, 0).len(), 64 * 1024);
        assert_eq!((since(folder.path(), 0), since(Path::new("/dev/zero"), 0)), (String::new(), String::new()));
    }

    #[test]
    fn the_last_lines_are_found_in_files_of_every_size() {
        let long = "x".repeat(200_000);
        for (text, most, expected) in [
            ("", 3, (0, 0)),
            ("a\nb\nc\n", 0, (6, 0)),
            ("a\nb\nc\n", 1, (4, 1)),
            ("a\nb\nc\n", 2, (2, 2)),
            ("a\nb\nc\n", 3, (0, 3)),
            ("a\nb\nc\n", 9, (0, 3)),
            ("a\nb\nc", 1, (4, 1)),
            ("\n\n", 1, (1, 1)),
            ("\n\n", 5, (0, 2)),
            (&format!("a\n{long}\nb\n"), 2, (2, 2)),
            (&format!("a\n{long}"), 1, (2, 1)),
        ] {
            let mut file = tempfile::tempfile().expect("a file can be made");
            file.write_all(text.as_bytes()).expect("it can be written");
            assert_eq!(place(&mut file, most).expect("it can be read"), expected, "{most} of {text:.10}");
        }
    }
}
