//! Where state lives: as the variable says, else in one place, and never where somebody else could change it.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use nix::unistd::geteuid;

use crate::{
    site::Site,
    support::{NOBODY, Tool},
    users::{run_as, site_of},
};

/// The place of a user without a home; removed when the test ends.
pub(crate) struct Fallback(pub(crate) PathBuf);

impl Fallback {
    pub(crate) fn of(uid: u32) -> Self {
        Self(format!("/tmp/ensure-up-{uid}").into())
    }
}

impl Drop for Fallback {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0).or_else(|_| fs::remove_dir_all(&self.0));
    }
}

/// Returns the number of a user whom nobody else is: what is in /tmp for one test is not another's.
pub(crate) fn new_user() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    1_000_000_000 + std::process::id() * 64 + NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A user whom the database does not know, as containers have them.
struct Stranger {
    site: Site,
    uid: u32,
    fallback: Fallback,
}

impl Stranger {
    /// `None` where the tests cannot be anybody.
    fn new() -> Option<Self> {
        let uid = new_user();
        let site = Site::new();
        site_of(&site, uid)?;
        Some(Self { site, uid, fallback: Fallback::of(uid) })
    }

    /// Prepares a start of the server, with variables that all lead elsewhere.
    fn start(&self) -> Tool {
        let mut tool = run_as(&self.site, self.uid, &[], "127.0.0.1:{port}").env_remove("ENSURE_UP_DIR");
        for name in ["HOME", "TMPDIR", "XDG_RUNTIME_DIR", "XDG_STATE_HOME"] {
            tool = tool.env(name, self.site.folder());
        }
        tool
    }

    fn refused(&self) -> String {
        let output = self.start().status(125).run();
        assert!(self.site.started().is_empty());
        let said = format!("ensure-up: refusing the folder {}: ", self.fallback.0.display());
        output.stderr.strip_prefix(&said).unwrap_or_else(|| panic!("{}", output.stderr)).trim_end().to_owned()
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

#[test]
fn without_a_home_it_is_a_private_folder_under_the_temporary_one() {
    let Some(stranger) = Stranger::new() else { return };
    for _ in 0..2 {
        stranger.start().run();
        assert_eq!(mode(&stranger.fallback.0), 0o700);
        assert!(crate::site::has_file(&stranger.fallback.0, stranger.site.port, ".json"));
        assert_eq!(stranger.site.started().len(), 1);
    }
    let other = Stranger::new().expect("as the first");
    other.start().run();
    assert!(crate::site::has_file(&other.fallback.0, other.site.port, ".log"), "each has a place of its own");
}

#[test]
fn a_fallback_that_is_a_link_or_a_file_is_refused() {
    let Some(stranger) = Stranger::new() else { return };
    let fallback = &stranger.fallback.0;
    fs::create_dir(stranger.site.path("goal")).unwrap();
    chown(stranger.site.path("goal"), Some(stranger.uid), None).unwrap();
    symlink(stranger.site.path("goal"), fallback).unwrap();
    assert_eq!(stranger.refused(), "it is not a folder");
    assert_eq!(fs::read_dir(stranger.site.path("goal")).unwrap().count(), 0);
    fs::remove_file(fallback).unwrap();
    fs::write(fallback, "").unwrap();
    assert_eq!(stranger.refused(), "it is not a folder");
}

#[test]
fn a_folder_of_somebody_else_is_refused() {
    let Some(stranger) = Stranger::new() else { return };
    fs::create_dir(&stranger.fallback.0).unwrap();
    chown(&stranger.fallback.0, Some(NOBODY), None).unwrap();
    let refused = stranger.refused();
    assert!(refused.starts_with("it belongs to "), "{refused}");
    fs::create_dir(stranger.site.path("state")).unwrap();
    chown(stranger.site.path("state"), Some(NOBODY), None).unwrap();
    let output = stranger.start().env("ENSURE_UP_DIR", stranger.site.path("state")).status(125).run();
    assert!(output.stderr.contains("/state: it belongs to "), "{}", output.stderr);
    assert!(stranger.site.started().is_empty());
}

#[test]
fn a_folder_that_others_may_write_to_is_refused() {
    let site = Site::new();
    fs::create_dir(site.path("state")).unwrap();
    fs::set_permissions(site.path("state"), fs::Permissions::from_mode(0o777)).unwrap();
    let output = site.serve(&[]).status(125).run();
    assert!(output.stderr.ends_with(": others may write to it\n"), "{}", output.stderr);
    fs::set_permissions(site.path("state"), fs::Permissions::from_mode(0o775)).unwrap();
    let (user, group) = (geteuid().as_raw(), fs::metadata(site.path("state")).unwrap().gid());
    if proc_tree::users::is_own_group(group, &[user]) {
        site.serve(&[]).run();
    } else {
        let output = site.serve(&[]).status(125).run();
        assert!(output.stderr.ends_with(": its group may write to it\n"), "{}", output.stderr);
    }
}

#[test]
fn a_log_in_it_that_is_a_link_is_not_followed() {
    let site = Site::new();
    site.serve(&[]).run();
    let log = site.log();
    site.bare().arg("--stop").any_stderr().run();
    fs::write(site.path("precious"), "").unwrap();
    fs::remove_file(&log).unwrap();
    symlink(site.path("precious"), &log).unwrap();
    let output = site.serve(&[]).status(125).run();
    assert!(output.stderr.contains("cannot write the log "), "{}", output.stderr);
    assert_eq!((fs::read(site.path("precious")).unwrap(), site.started().len()), (Vec::new(), 1));
}

#[test]
fn a_folder_that_cannot_be_made_is_status_125() {
    let site = Site::new();
    fs::write(site.path("file"), "").unwrap();
    let output = site.serve(&[]).env("ENSURE_UP_DIR", site.path("file/state")).status(125).run();
    let said = format!("ensure-up: cannot make the folder {}: not a directory\n", site.path("file/state").display());
    assert_eq!(output.stderr, said);
}

#[test]
fn a_relative_folder_is_below_the_callers() {
    let site = Site::new();
    site.serve(&[]).env("ENSURE_UP_DIR", "rel ative").run();
    assert!(crate::site::has_file(&site.path("rel ative"), site.port, ".json"));
}
