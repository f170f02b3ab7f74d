//! Where records, locks and logs live: one folder of this user alone, and the same one wherever the user calls from.

#[cfg(test)]
mod tests;

use std::{
    env, fs, io,
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use nix::unistd::geteuid;
use proc_tree::{cli::text, users};
use rustix::fs::{Access, AtFlags, CWD};

use crate::service::ownership;

/// The variable that names the folder.
pub(crate) const VARIABLE: &str = "ENSURE_UP_DIR";

/// Where everybody may make files. `$TMPDIR` would be another folder for a login shell than for cron.
const SHARED: &str = "/tmp";

/// How often what a deletion of the folder may spoil is tried: it may come at any moment, but not each time.
const TRIES: usize = 4;

/// The place in a home.
const AT_HOME: &str = ".local/state/ensure-up";

/// The folder of this user's records, locks and logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateFolder {
    /// Where it is.
    pub path: PathBuf,
}

/// A folder that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Nobody knows whether the user has a home.
    #[error("cannot look up the home folder of user {uid}")]
    Home {
        /// The user.
        uid: u32,
        /// Why.
        source: io::Error,
    },
    /// It cannot be made.
    #[error("cannot make the folder {}", text::path(path))]
    Make {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Somebody else could read or change what is in it.
    #[error("refusing the folder {}: {reason}", text::path(path))]
    Unsafe {
        /// The folder.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

impl StateFolder {
    /// Finds and makes the folder: `$ENSURE_UP_DIR`, else `.local/state/ensure-up` in the home folder that the user database
    /// names, else `/tmp/ensure-up-UID` for a user who has no home or may not write there.
    ///
    /// No other variable counts: a login shell, cron, `sudo -u` and a bare ssh set them differently, and must find the same
    /// records and locks.
    ///
    /// # Errors
    /// When the folder cannot be made or belongs to somebody else.
    pub fn find() -> Result<Self, FolderError> {
        let folder = match named() {
            Some(folder) => make(&folder).map(|()| folder)?,
            None => place(home()?.as_deref(), fallback())?,
        };
        Ok(Self { path: folder })
    }

    /// Finds the folder as [`StateFolder::find`] where it is there already, and makes none.
    pub fn that_is_there() -> Option<Self> {
        let at_home = || Some(home().ok()??.join(AT_HOME)).filter(|folder| folder.is_dir());
        let folder = named().or_else(at_home).unwrap_or_else(fallback);
        folder.is_dir().then_some(Self { path: folder })
    }

    /// Says where records and logs are for a user who has no home, or may not write there.
    pub fn note(&self) -> Option<String> {
        if self.path != fallback() || named().is_some() {
            return None;
        }
        let why = match home().ok()? {
            Some(home) if is_own(&home).ok()? => format!("{} cannot be written to", text::path(&home.join(AT_HOME))),
            Some(home) if home.is_dir() => format!("{} is not this account's own folder", text::path(&home)),
            _ => "this account has no home folder".into(),
        };
        Some(format!("{why}: records and logs are in {}", text::path(&self.path)))
    }
}

/// Does what needs the folder, and does it again when the folder, or what was written in it, was deleted meanwhile.
pub(crate) fn within<T>(folder: &Path, work: impl Fn(&Path) -> io::Result<T>) -> io::Result<T> {
    let make = if folder == fallback() { make_in_shared_folder } else { make };
    for _ in 1..TRIES {
        match work(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => make(folder).map_err(io::Error::other)?,
            done => return done,
        }
    }
    work(folder)
}

/// Takes what failed because a file was not there, or not any more, for done.
pub(crate) fn unless_deleted(done: io::Result<()>) -> io::Result<()> {
    done.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

/// Returns the folder that the variable names.
fn named() -> Option<PathBuf> {
    let folder = env::var_os(VARIABLE).filter(|folder| !folder.is_empty())?;
    Some(std::path::absolute(&folder).unwrap_or_else(|_| folder.into()))
}

fn home() -> Result<Option<PathBuf>, FolderError> {
    let uid = geteuid().as_raw();
    let home = users::home(uid).map_err(|source| FolderError::Home { uid, source })?;
    Ok(home.filter(|home| home.is_absolute()))
}

fn fallback() -> PathBuf {
    Path::new(SHARED).join(format!("ensure-up-{}", geteuid()))
}

/// Takes the place at home where the user may write there, else the fallback. A disk that is full or broken is no reason for
/// another place: the next caller, who finds it in order, would not see what is in that.
fn place(home: Option<&Path>, fallback: PathBuf) -> Result<PathBuf, FolderError> {
    if let Some(home) = home
        && is_own(home)?
    {
        let folder = home.join(AT_HOME);
        match make(&folder).and_then(|()| check_writable(&folder)) {
            Ok(()) => return Ok(folder),
            Err(FolderError::Make { source, .. }) if is_closed(&source) => {}
            Err(error) => return Err(error),
        }
    }
    make_in_shared_folder(&fallback)?;
    Ok(fallback)
}

/// Tells whether a home is there and the user's own: that of root's containers, of `nobody` and of daemons is not.
fn is_own(home: &Path) -> Result<bool, FolderError> {
    // the dot makes the automounter mount it: until then the folder is root's
    match fs::metadata(home.join(".")) {
        Ok(found) => Ok(found.is_dir() && found.uid() == geteuid().as_raw()),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(false),
        Err(error) if is_closed(&error) => Ok(false),
        Err(source) => Err(failed(home, source)),
    }
}

/// Tells whether the user may not write there.
fn is_closed(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
}

fn check_writable(folder: &Path) -> Result<(), FolderError> {
    let found = rustix::fs::accessat(CWD, folder, Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS);
    // one that was deleted in this moment is made again by whoever writes in it
    unless_deleted(found.map_err(Into::into)).map_err(|source| failed(folder, source))
}

fn make(folder: &Path) -> Result<(), FolderError> {
    check(folder, &make_and_look(folder, |folder| fs::metadata(folder))?)
}

/// Makes a folder unless it is there, and looks at what is there then.
fn make_and_look(folder: &Path, look: impl Fn(&Path) -> io::Result<fs::Metadata>) -> Result<fs::Metadata, FolderError> {
    let once = || {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        look(folder).map_err(|error| made.err().unwrap_or(error))
    };
    let is_deleted = |error: &io::Error| matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::AlreadyExists);
    for _ in 1..TRIES {
        match once() {
            Err(error) if is_deleted(&error) => {}
            found => return found.map_err(|source| failed(folder, source)),
        }
    }
    once().map_err(|source| failed(folder, source))
}

fn check(folder: &Path, found: &fs::Metadata) -> Result<(), FolderError> {
    if !found.is_dir() {
        return refuse(folder, "it is not a folder".into());
    }
    ownership::objection(found, &[geteuid().as_raw()]).map_or(Ok(()), |reason| refuse(folder, reason))
}

/// Where everybody may make files, a link or a folder with our name may be somebody's trap; and where everybody may rename
/// them as well, ours may become one at any time.
fn make_in_shared_folder(folder: &Path) -> Result<(), FolderError> {
    if let Some(above) = folder.parent() {
        let mode = fs::metadata(above).map_err(|source| failed(folder, source))?.mode();
        if mode & 0o002 != 0 && mode & 0o1000 == 0 {
            return refuse(folder, format!("everybody may rename what is in {}", text::path(above)));
        }
    }
    check(folder, &make_and_look(folder, |folder| fs::symlink_metadata(folder))?)?;
    unless_deleted(fs::set_permissions(folder, fs::Permissions::from_mode(0o700)))
        .map_err(|source| failed(folder, source))
}

fn failed(folder: &Path, source: io::Error) -> FolderError {
    FolderError::Make { path: folder.to_owned(), source }
}

fn refuse(folder: &Path, reason: String) -> Result<(), FolderError> {
    Err(FolderError::Unsafe { path: folder.to_owned(), reason })
}
