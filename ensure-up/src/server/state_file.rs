//! A file of the state folder: read only when it is surely ours, written whole or not at all.

#[cfg(test)]
mod tests;

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
    time::{Duration, SystemTime},
};

use nix::{errno::Errno, unistd::geteuid};
use tempfile::NamedTempFile;

use crate::server::folder;

/// No file of ours is larger.
const MOST_BYTES: u64 = 1 << 20;

/// How the name of a file ends that is not in place yet.
const NEW: &str = ".new";

/// To write a file takes no time at all: who began one so long ago was killed.
const LONG_AGO: Duration = Duration::from_mins(1);

/// Reads a file of ours; `None` where there is none: nothing, or a link, a pipe, somebody else's, which we never put there.
///
/// # Errors
/// When a file is there, or may be, and cannot be read.
pub(crate) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match options().read(true).open(path) {
        Ok(file) => file,
        Err(error) if is_none(&error, || fs::symlink_metadata(path)) => return Ok(None),
        Err(error) => return Err(error),
    };
    let found = file.metadata()?;
    if !is_ours(&found) {
        return Ok(None);
    }
    // one byte more than it has: the read that finds its end asks for no more room
    let mut text = Vec::with_capacity(usize::try_from(found.len().min(MOST_BYTES)).unwrap_or(0) + 1);
    file.take(MOST_BYTES).read_to_end(&mut text)?;
    Ok(Some(text))
}

/// Adds to a file of ours, if one is there that has no other name: it would change that, too.
pub(crate) fn append(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = options().append(true).open(path)?;
    if is_ours_alone(&file)? { file.write_all(text) } else { Ok(()) }
}

/// Tells whether a file is ours and has no other name.
pub(crate) fn is_ours_alone(file: &File) -> io::Result<bool> {
    file.metadata().map(|found| is_ours(&found) && found.nlink() == 1)
}

/// Tells whether what cannot be opened is surely no file of ours; what may not be read is looked at from outside.
fn is_none(error: &io::Error, look: impl FnOnce() -> io::Result<Metadata>) -> bool {
    match error.raw_os_error().map(Errno::from_raw) {
        // not there; a link; a socket or a device
        Some(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP | Errno::ENXIO | Errno::ENODEV | Errno::EOPNOTSUPP) => true,
        Some(Errno::EACCES | Errno::EPERM) => look().is_ok_and(|found| !is_ours(&found)),
        _ => false,
    }
}

fn is_ours(found: &Metadata) -> bool {
    found.is_file() && found.uid() == geteuid().as_raw()
}

/// Puts a file in place, and makes its folder again when that was deleted meanwhile.
///
/// Whoever reads it from now on finds it, also after this process was killed. It is not forced onto the disk: after a crash of the
/// machine nothing runs that it could be about.
///
/// On a disk without room the text is written over the old one, which takes none. Whoever reads it in that moment, or after
/// this process was killed in it, may find neither: then there is no record, which is no harm.
///
/// # Errors
/// When it cannot be written; the one that was there before stays.
pub(crate) fn write(path: &Path, text: &[u8]) -> io::Result<()> {
    in_folder(path, |folder| {
        let put = draft(path, folder, text).and_then(|draft| put_in_place(draft, path));
        or_write_over(put, path, text)
    })
}

/// Tells whether a disk has no room, or none for this user.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

fn or_write_over(put: io::Result<()>, path: &Path, text: &[u8]) -> io::Result<()> {
    put.or_else(|error| if is_full(&error) { write_over(path, text).map_err(|_| error) } else { Err(error) })
}

fn write_over(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = options().write(true).open(path)?;
    if !is_ours(&file.metadata()?) {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    file.write_all(text)?;
    file.set_len(text.len() as u64)
}

/// Does what writes a file of the state folder, as [`folder::within`].
pub(crate) fn in_folder<T>(path: &Path, write: impl Fn(&Path) -> io::Result<T>) -> io::Result<T> {
    folder::within(path.parent().ok_or(io::ErrorKind::InvalidInput)?, write)
}

/// Writes the new text beside the old one, under a name that no other writer has; removed again unless it is put in place.
fn draft(path: &Path, folder: &Path, text: &[u8]) -> io::Result<NamedTempFile> {
    let create = |path: &Path| options().write(true).create_new(true).mode(0o600).open(path);
    let mut draft = tempfile::Builder::new().prefix(&prefix(path)).suffix(NEW).make_in(folder, create)?;
    draft.as_file_mut().write_all(text)?;
    Ok(draft)
}

/// An empty folder in the file's place gives way.
fn put_in_place(draft: NamedTempFile, path: &Path) -> io::Result<()> {
    match draft.persist(path) {
        Err(failed) if failed.error.kind() == io::ErrorKind::IsADirectory => {
            fs::remove_dir(path)?;
            failed.file.persist(path)?;
        }
        result => drop(result?),
    }
    Ok(())
}

/// Removes what writers of this file left that were killed.
///
/// # Errors
/// When the folder cannot be read, or one of them not be removed.
pub(crate) fn remove_leftovers(path: &Path) -> io::Result<()> {
    let (folder, prefix) = (path.parent().ok_or(io::ErrorKind::InvalidInput)?, prefix(path));
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let is_draft = entry.file_name().to_str().is_some_and(|name| name.starts_with(&prefix) && name.ends_with(NEW));
        let age = || SystemTime::now().duration_since(entry.metadata().ok()?.modified().ok()?).ok();
        if is_draft && age().is_some_and(|age| age > LONG_AGO) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn prefix(path: &Path) -> String {
    format!("{}.", path.file_name().unwrap_or_default().to_string_lossy())
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.custom_flags((rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits().cast_signed());
    options
}
