//! What is taken for a place, and what is refused.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::{
    cell::Cell,
    os::unix::fs::{chown, symlink},
};

use tempfile::TempDir;

use super::*;

/// A home and, beside it, a fallback.
struct Site(TempDir);

impl Site {
    fn new() -> Self {
        let site = Self(TempDir::new().expect("a temporary folder can be made"));
        fs::create_dir(site.home()).expect("the site is ours");
        site
    }

    fn home(&self) -> PathBuf {
        self.0.path().join("home")
    }

    fn state(&self) -> PathBuf {
        self.home().join(".local/state/ensure-up")
    }

    fn fallback(&self) -> PathBuf {
        self.0.path().join("ensure-up-1")
    }

    fn place(&self) -> Result<PathBuf, FolderError> {
        place(Some(&self.home()), self.fallback())
    }

    /// What is said of a place that is not taken, without its path.
    fn refused(&self) -> String {
        let refused = self.place().expect_err("a place that must not be taken").to_string();
        refused.rsplit_once(": ").map_or(refused.as_str(), |(_, reason)| reason).to_owned()
    }
}

fn set(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").mode() & 0o777
}

#[test]
fn a_home_of_ones_own_is_the_place() {
    let site = Site::new();
    for _ in 0..2 {
        assert_eq!(site.place().unwrap(), site.state());
    }
    assert_eq!(mode(&site.state()), 0o700);
    assert!(!site.fallback().exists());
}

#[test]
fn without_a_home_of_ones_own_it_is_the_fallback() {
    let site = Site::new();
    assert_eq!(place(None, site.fallback()).unwrap(), site.fallback());
    assert_eq!(mode(&site.fallback()), 0o700);
    fs::remove_dir(site.home()).unwrap();
    assert_eq!(site.place().unwrap(), site.fallback());
    fs::write(site.home(), "").unwrap();
    assert_eq!(site.place().unwrap(), site.fallback());
    if geteuid().is_root() {
        fs::remove_file(site.home()).unwrap();
        fs::create_dir(site.home()).unwrap();
        chown(site.home(), Some(65_534), None).unwrap();
        assert_eq!(site.place().unwrap(), site.fallback());
        assert!(!site.state().exists());
    }
}

#[test]
fn a_home_that_may_not_be_written_to_is_not_the_place() {
    if geteuid().is_root() {
        // root may; the tests of the command have a file system that nobody may write to
        return;
    }
    let site = Site::new();
    set(&site.home(), 0o500);
    assert_eq!(site.place().unwrap(), site.fallback());
    set(&site.home(), 0o700);
    assert_eq!(site.place().unwrap(), site.state());
    set(&site.state(), 0o500);
    assert_eq!(site.place().unwrap(), site.fallback());
    set(&site.state(), 0o700);
}

#[test]
fn what_else_is_wrong_with_the_place_at_home_is_an_error() {
    let site = Site::new();
    fs::write(site.home().join(".local"), "").unwrap();
    assert!(matches!(site.place(), Err(FolderError::Make { path, .. }) if path == site.state()));
    fs::remove_file(site.home().join(".local")).unwrap();
    site.place().unwrap();
    set(&site.state(), 0o777);
    assert_eq!(site.refused(), "others may write to it");
    set(&site.state(), 0o775);
    if geteuid().is_root() {
        site.place().unwrap();
        chown(site.state(), None, Some(65_534)).unwrap();
        assert_eq!(site.refused(), "its group may write to it");
        chown(site.state(), Some(65_534), None).unwrap();
        assert!(site.refused().starts_with("it belongs to "));
    }
    assert!(!site.fallback().exists());
}

#[test]
fn a_fallback_that_may_be_a_trap_is_refused() {
    let site = Site::new();
    fs::remove_dir(site.home()).unwrap();
    let goal = site.0.path().join("goal");
    fs::create_dir(&goal).unwrap();
    symlink(&goal, site.fallback()).unwrap();
    assert_eq!(site.refused(), "it is not a folder");
    fs::remove_file(site.fallback()).unwrap();
    fs::write(site.fallback(), "").unwrap();
    assert_eq!(site.refused(), "it is not a folder");
    fs::remove_file(site.fallback()).unwrap();
    // one of ours that was made by hand
    fs::create_dir(site.fallback()).unwrap();
    set(&site.fallback(), 0o755);
    assert_eq!(mode(&site.place().unwrap()), 0o700);
    set(&site.fallback(), 0o777);
    assert_eq!(site.refused(), "others may write to it");
}

#[test]
fn a_fallback_that_everybody_may_rename_is_refused() {
    let site = Site::new();
    set(site.0.path(), 0o777);
    let refused = place(None, site.fallback()).expect_err("a trap").to_string();
    // where temporary files are below a home, too
    let above = text::path(site.0.path());
    assert!(refused.ends_with(&format!(": everybody may rename what is in {above}")), "{refused}");
    assert!(!site.fallback().exists());
    set(site.0.path(), 0o1777);
    assert_eq!(place(None, site.fallback()).unwrap(), site.fallback());
}

#[test]
fn a_folder_is_made_again_where_it_was() {
    let site = Site::new();
    site.place().unwrap();
    fs::remove_dir_all(site.home().join(".local")).unwrap();
    within(&site.state(), |folder| fs::write(folder.join("record"), "")).unwrap();
    assert_eq!(mode(&site.state()), 0o700);
}

#[test]
fn a_folder_that_is_deleted_while_it_is_made_is_made_again() {
    let site = Site::new();
    let deletions = Cell::new(TRIES - 1);
    let deleted = |folder: &Path| {
        if deletions.get() > 0 {
            deletions.set(deletions.get() - 1);
            fs::remove_dir(folder)?;
        }
        Ok(())
    };
    let found = make_and_look(&site.state(), |folder| deleted(folder).and_then(|()| fs::metadata(folder))).unwrap();
    assert!(found.is_dir() && deletions.get() == 0);

    deletions.set(TRIES - 1);
    let write = |folder: &Path| deleted(folder).and_then(|()| fs::write(folder.join("record"), ""));
    within(&site.state(), write).unwrap();
    assert!(site.state().join("record").is_file());
}

#[test]
fn what_is_no_folder_is_refused() {
    let site = Site::new();
    fs::create_dir_all(site.home().join(".local/state")).unwrap();
    fs::write(site.state(), "").unwrap();
    assert_eq!(site.refused(), "it is not a folder");
}
