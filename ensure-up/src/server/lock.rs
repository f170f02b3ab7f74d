//! The lock that makes many starters start one server: an exclusive flock(2) on a file that is never unlinked.
//!
//! The kernel frees it however its holder dies, and the descriptor does not outlive an exec.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
    sync::mpsc,
    thread,
    time::Instant,
};

use super::state_file;

/// The kind of the file that commands hold which use a server, and of the one that says that it is wanted without them.
pub(crate) const USE: &str = "then";
pub(crate) const WANTED: &str = "wanted";

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
    /// Whether somebody else held it first.
    pub(crate) waited: bool,
}

impl Lock {
    /// Takes the lock if nobody holds it.
    ///
    /// # Errors
    /// When the file cannot be opened or locked.
    pub(crate) fn try_take(path: &Path) -> io::Result<Option<Self>> {
        try_lock(open(path)?).map(Result::ok)
    }

    /// Takes the lock if nobody holds it, in the file that others would lock now.
    ///
    /// # Errors
    /// As [`Lock::try_take`].
    pub(crate) fn take_at_once(path: &Path) -> io::Result<Option<Self>> {
        loop {
            match Self::try_take(path)? {
                Some(lock) if !lock.is_in_place(path)? => {}
                taken => return Ok(taken),
            }
        }
    }

    /// Returns the file that is locked.
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Tells whether the file is still the one that others would lock: it may have been deleted.
    fn is_in_place(&self, path: &Path) -> io::Result<bool> {
        is_in_place(&self.file, path)
    }

    /// Takes the lock, waiting for it until the deadline; `None` when that passed first.
    ///
    /// # Errors
    /// As [`Lock::try_take`].
    pub(crate) fn take(path: &Path, deadline: Option<Instant>) -> io::Result<Option<Self>> {
        let mut waited = false;
        loop {
            match Self::take_once(path, deadline)? {
                None => return Ok(None),
                Some(lock) if lock.is_in_place(path)? => {
                    return Ok(Some(Self { waited: waited || lock.waited, ..lock }));
                }
                Some(lock) => waited |= lock.waited,
            }
        }
    }

    fn take_once(path: &Path, deadline: Option<Instant>) -> io::Result<Option<Self>> {
        let file = match try_lock(open(path)?)? {
            Ok(lock) => return Ok(Some(lock)),
            Err(file) => file,
        };
        let Some(deadline) = deadline else { return Self::wait(file).map(Some) };
        // flock(2) knows no deadline: a thread waits, and is left behind when the deadline passes
        let (sender, receiver) = mpsc::channel();
        // nobody may wait any more
        thread::Builder::new().spawn(move || sender.send(Self::wait(file)).is_ok())?;
        receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())).ok().transpose()
    }

    fn wait(file: File) -> io::Result<Self> {
        loop {
            match file.lock() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                locked => return locked.map(|()| Self { file, waited: true }),
            }
        }
    }
}

/// Tells whether a file is still the one of this name.
pub(crate) fn is_in_place(file: &File, path: &Path) -> io::Result<bool> {
    let own = file.metadata()?;
    Ok(fs::symlink_metadata(path).is_ok_and(|now| (now.dev(), now.ino()) == (own.dev(), own.ino())))
}

/// Opens a lock's file, and makes it.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    // a pipe in the lock's place would hold up open(2) itself
    let flags = (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits().cast_signed();
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600).custom_flags(flags);
    state_file::in_folder(path, |_| options.open(path))
}

/// Gives the file back when somebody else holds the lock.
fn try_lock(file: File) -> io::Result<Result<Lock, File>> {
    match file.try_lock() {
        Ok(()) => Ok(Ok(Lock { file, waited: false })),
        Err(TryLockError::WouldBlock) => Ok(Err(file)),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Tells whether anybody holds a lock on the file, without taking one meanwhile. Source: proc_locks(5), by the inode alone: one of
/// the same number elsewhere does no harm here.
#[cfg(target_os = "linux")]
pub(crate) fn is_held(path: &Path) -> bool {
    let Ok(found) = fs::metadata(path) else { return false };
    let inode = format!(":{}", found.ino());
    let locks = fs::read_to_string("/proc/locks").unwrap_or_default();
    locks.lines().any(|line| {
        let mut words = line.split_whitespace().skip(1);
        words.next() == Some("FLOCK") && words.nth(3).is_some_and(|file| file.ends_with(&inode))
    })
}

/// Nobody tells there.
#[cfg(target_os = "macos")]
pub(crate) fn is_held(_path: &Path) -> bool {
    false
}
