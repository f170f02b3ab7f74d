//! A file that somebody named to be read: a regular one, which ends, and no larger than it may be.

use std::{
    fs::File,
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use super::{size, text};

/// How large a file may be in which somebody writes things down, in bytes.
pub const WRITTEN_BY_HAND: u64 = 1 << 20;

/// Why a file is not read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The kernel refuses.
    #[error("{}", text::os_error(.0))]
    Refused(#[from] io::Error),
    /// It need not end, or its writer be there: a device, a pipe, a folder.
    #[error("it is not a regular file")]
    NotRegular,
    /// It is larger than this many bytes.
    #[error("it is larger than {}", size::display(*.0))]
    TooLarge(u64),
}

/// Opens a file for reading.
///
/// # Errors
/// When it cannot be, or is no regular file.
pub fn open(path: &Path) -> Result<File, Unreadable> {
    // a pipe that nobody writes to would hold up open(2) itself
    let nonblocking = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file = File::options().read(true).custom_flags(nonblocking).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(Unreadable::NotRegular) }
}

/// Reads all of an open file.
///
/// # Errors
/// When it cannot be read, or is larger than this many bytes.
pub fn read_all(file: File, most: u64) -> Result<Vec<u8>, Unreadable> {
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most { Err(Unreadable::TooLarge(most)) } else { Ok(bytes) }
}

/// Reads all of a file.
///
/// # Errors
/// As [`open`] and [`read_all`].
pub fn read(path: &Path, most: u64) -> Result<Vec<u8>, Unreadable> {
    read_all(open(path)?, most)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

    use std::{fs, process::Command};

    use super::*;

    #[test]
    fn what_need_not_end_is_not_read() {
        let folder = tempfile::TempDir::new().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("ten"), "0123456789").unwrap();
        assert!(Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
        let said = |path: &Path, most| read(path, most).map(|read| read.len()).map_err(|error| error.to_string());
        assert_eq!(said(&at("ten"), 10), Ok(10));
        assert_eq!(said(&at("ten"), 9), Err("it is larger than 9 B".into()));
        for path in [at("pipe"), folder.path().to_owned(), "/dev/zero".into()] {
            assert_eq!(said(&path, 10), Err("it is not a regular file".into()), "{path:?}");
        }
        assert_eq!(said(&at("none"), 10), Err("no such file or directory".into()));
    }
}
