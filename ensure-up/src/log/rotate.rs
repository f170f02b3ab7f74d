//! A server's log: opened for what it says, and rotated at start.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use proc_tree::cli::text;
use rustix::fs::{OFlags, fcntl_setfl};

use crate::server::{files, folder::unless_deleted, state_file};

/// A log that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the log {}", text::path(path))]
pub struct LogError {
    path: PathBuf,
    source: io::Error,
}

/// Opens a new log for appending. The one before becomes `FILE.1`, that one `FILE.2`, up to `keep`.
///
/// # Errors
/// When the log cannot be written.
pub fn start(path: &Path, keep: u32) -> Result<File, LogError> {
    rotate(path, keep).and_then(|()| open(path)).map_err(|source| LogError { path: path.to_owned(), source })
}

/// Opens a log for appending.
///
/// # Errors
/// When it cannot be written.
pub fn open(path: &Path) -> io::Result<File> {
    let is_ours = files::is_ours(path, "log");
    // a pipe that nobody reads would hold up open(2), and one of our logs that is a link is somebody's trap
    let trap = if is_ours { OFlags::NOFOLLOW } else { OFlags::empty() };
    let flags = (OFlags::NONBLOCK | trap).bits().cast_signed();
    let mut options = File::options();
    options.append(true).create(true).mode(0o600).custom_flags(flags);
    let log = if is_ours { state_file::in_folder(path, |_| options.open(path)) } else { open_given(&options, path) }?;
    fcntl_setfl(&log, OFlags::APPEND)?;
    Ok(log)
}

/// Opens a log that the user named, and makes the folder for it.
fn open_given(options: &OpenOptions, path: &Path) -> io::Result<File> {
    match (options.open(path), path.parent()) {
        (Err(error), Some(above)) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(above)?;
            options.open(path)
        }
        (opened, _) => opened,
    }
}

/// Makes room for a new log. What is no plain file (`/dev/null`, a pipe) is left alone, and so is an empty log.
///
/// # Errors
/// When a log cannot be renamed.
pub(crate) fn rotate(path: &Path, keep: u32) -> io::Result<()> {
    if !fs::symlink_metadata(path).is_ok_and(|found| found.is_file() && found.len() > 0) {
        return Ok(());
    }
    if keep == 0 {
        return unless_deleted(fs::remove_file(path));
    }
    for number in (0..keep).rev() {
        unless_deleted(fs::rename(numbered(path, number), numbered(path, number + 1)))?;
    }
    Ok(())
}

/// Names an old log; number 0 is the log itself.
pub(crate) fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    if number > 0 {
        name.push(format!(".{number}"));
    }
    name.into()
}
