//! Where records, locks and logs live: folders of this user alone.

use std::{
    env, fs, io,
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use nix::unistd::geteuid;
use proc_tree::cli::text;

/// The folders of this user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folders {
    /// Records and locks; gone after a boot, where the system cleans its runtime folder.
    pub runtime: PathBuf,
    /// Logs.
    pub logs: PathBuf,
}

/// A folder that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
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

impl Folders {
    /// Finds and makes the folders: `$ENSURE_UP_DIR` for both, else `ensure-up` in `$XDG_RUNTIME_DIR` and in
    /// `$XDG_STATE_HOME` (`~/.local/state`), else a folder of the user's own in the temporary folder.
    ///
    /// Source: the XDG Base Directory Specification; a relative path in its variables does not count.
    ///
    /// # Errors
    /// When a folder cannot be made or belongs to somebody else.
    pub fn find() -> Result<Self, FolderError> {
        if let Some(folder) = env::var_os("ENSURE_UP_DIR").filter(|folder| !folder.is_empty()) {
            let folder = std::path::absolute(&folder).unwrap_or_else(|_| folder.into());
            make(&folder)?;
            return Ok(Self { runtime: folder.clone(), logs: folder });
        }
        let runtime =
            absolute("XDG_RUNTIME_DIR").filter(|folder| is_own(folder)).map(|folder| folder.join("ensure-up"));
        let home =
            || env::home_dir().filter(|home| home.is_absolute() && is_own(home)).map(|home| home.join(".local/state"));
        let logs = absolute("XDG_STATE_HOME").or_else(home).map(|folder| folder.join("ensure-up"));
        let fallback = env::temp_dir().join(format!("ensure-up-{}", geteuid()));
        if runtime.is_none() || logs.is_none() {
            make_in_shared_folder(&fallback)?;
        }
        let folders = Self { runtime: runtime.unwrap_or_else(|| fallback.clone()), logs: logs.unwrap_or(fallback) };
        make(&folders.runtime)?;
        make(&folders.logs)?;
        Ok(folders)
    }

    /// Returns the path of a file about a port, or about a range of ports.
    pub fn file(&self, key: &str, kind: &str) -> PathBuf {
        self.runtime.join(format!("{key}.{kind}"))
    }
}

fn absolute(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).map(PathBuf::from).filter(|folder| folder.is_absolute())
}

/// After `su` the variables may still name another user's folders.
fn is_own(folder: &Path) -> bool {
    fs::metadata(folder).is_ok_and(|found| found.is_dir() && found.uid() == geteuid().as_raw())
}

fn make(folder: &Path) -> Result<(), FolderError> {
    let failed = |source| FolderError::Make { path: folder.to_owned(), source };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
    let found = fs::metadata(folder).map_err(failed)?;
    check(folder, &found)
}

fn check(folder: &Path, found: &fs::Metadata) -> Result<(), FolderError> {
    let refuse = |reason: String| Err(FolderError::Unsafe { path: folder.to_owned(), reason });
    if found.uid() != geteuid().as_raw() {
        let owner = proc_tree::users::name(found.uid()).unwrap_or_else(|| found.uid().to_string());
        return refuse(format!("it belongs to {owner}"));
    }
    // a group may: with a umask of 002 it is the user's own, and files of its members are not believed anyway
    if found.mode() & 0o002 != 0 {
        return refuse("others may write to it".into());
    }
    Ok(())
}

/// Where everybody may make files, a link or a folder with our name may be somebody's trap.
fn make_in_shared_folder(folder: &Path) -> Result<(), FolderError> {
    let failed = |source| FolderError::Make { path: folder.to_owned(), source };
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed(error)),
        _ => {}
    }
    let found = fs::symlink_metadata(folder).map_err(failed)?;
    if !found.is_dir() {
        return Err(FolderError::Unsafe { path: folder.to_owned(), reason: "it is not a folder".into() });
    }
    check(folder, &found)?;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).map_err(failed)
}
