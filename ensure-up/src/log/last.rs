//! Where the last lines of a file begin, found from its end: a log may be large.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
};

/// Finds the place where the last lines begin, at most so many, and tells how many there are from there on.
pub(super) fn lines(file: &mut File, most: u64) -> io::Result<(u64, u64)> {
    const CHUNK: u64 = 64 * 1024;
    let length = file.metadata()?.len();
    let (mut from, mut found) = (length, 0);
    if most == 0 || length == 0 {
        return Ok((length, 0));
    }
    while from > 0 {
        let start = from.saturating_sub(CHUNK);
        let mut chunk = Vec::new();
        file.seek(SeekFrom::Start(start))?;
        file.by_ref().take(from - start).read_to_end(&mut chunk)?;
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

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

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
            assert_eq!(lines(&mut file, most).expect("it can be read"), expected, "{most} of {text:.10}");
        }
    }
}
