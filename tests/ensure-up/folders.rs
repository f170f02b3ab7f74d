//! Where state lives: as the variables say, and never where somebody else could change it.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown, symlink},
    path::Path,
};

use crate::{
    site::Site,
    support::{NOBODY, Tool, is_root_or_skipped},
};

/// A run without any of the variables.
fn lost(site: &Site) -> Tool {
    let mut tool = site.serve(&[]);
    let temporary = site.path("tmp");
    let _ = fs::create_dir(&temporary);
    for name in ["ENSURE_UP_DIR", "XDG_RUNTIME_DIR", "XDG_STATE_HOME"] {
        tool = tool.env_remove(name);
    }
    tool.env("HOME", "/nonexistent").env("TMPDIR", temporary)
}

fn fallback(site: &Site) -> std::path::PathBuf {
    site.path("tmp").join(format!("ensure-up-{}", nix::unistd::geteuid()))
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

#[test]
fn records_go_to_the_runtime_folder_and_logs_to_the_state_folder() {
    let site = Site::new();
    for name in ["run", "home"] {
        fs::create_dir(site.path(name)).unwrap();
    }
    let tool = || lost(&site).env("XDG_RUNTIME_DIR", site.path("run")).env("XDG_STATE_HOME", site.path("home/state"));
    tool().run();
    assert!(site.path("run/ensure-up").join(format!("{}.json", site.port)).exists());
    assert!(site.path("home/state/ensure-up").join(format!("{}.log", site.port)).exists());
    assert_eq!((mode(&site.path("run/ensure-up")), mode(&site.path("home/state/ensure-up"))), (0o700, 0o700));
    tool().run();
    assert_eq!(site.started().len(), 1);
    assert!(!fallback(&site).exists());
}

#[test]
fn without_a_state_folder_logs_are_at_home() {
    let site = Site::new();
    for name in ["run", "home"] {
        fs::create_dir(site.path(name)).unwrap();
    }
    lost(&site).env("XDG_RUNTIME_DIR", site.path("run")).env("HOME", site.path("home")).run();
    assert!(site.path("home/.local/state/ensure-up").join(format!("{}.log", site.port)).exists());
}

#[test]
fn without_home_and_variables_it_is_a_private_folder_under_the_temporary_one() {
    let site = Site::new();
    lost(&site).run();
    assert_eq!(mode(&fallback(&site)), 0o700);
    assert!(fallback(&site).join(format!("{}.json", site.port)).exists());
    lost(&site).run();
    assert_eq!(site.started().len(), 1);
}

#[test]
fn a_variable_that_is_no_absolute_path_does_not_count() {
    let site = Site::new();
    lost(&site).env("XDG_RUNTIME_DIR", "run").env("XDG_STATE_HOME", "").env_remove("HOME").env("HOME", "home").run();
    assert!(fallback(&site).exists() && !site.path("run").exists() && !site.path("home").exists());
}

#[test]
fn a_fallback_that_is_a_link_or_a_file_is_refused() {
    let site = Site::new();
    let tool = lost(&site);
    fs::create_dir(site.path("goal")).unwrap();
    symlink(site.path("goal"), fallback(&site)).unwrap();
    let output = tool.status(125).run();
    let said = format!("ensure-up: refusing the folder {}: it is not a folder\n", fallback(&site).display());
    assert_eq!(output.stderr, said);
    fs::remove_file(fallback(&site)).unwrap();
    fs::write(fallback(&site), "").unwrap();
    lost(&site).status(125).run();
    assert_eq!((site.started().len(), fs::read_dir(site.path("goal")).unwrap().count()), (0, 0));
}

#[test]
fn a_folder_of_somebody_else_is_refused() {
    if !is_root_or_skipped() {
        return;
    }
    let site = Site::new();
    let tool = lost(&site);
    fs::create_dir(fallback(&site)).unwrap();
    chown(fallback(&site), Some(NOBODY), None).unwrap();
    let output = tool.status(125).run();
    let said = format!("ensure-up: refusing the folder {}: it belongs to ", fallback(&site).display());
    assert!(output.stderr.starts_with(&said), "{}", output.stderr);
    fs::create_dir(site.path("state")).unwrap();
    chown(site.path("state"), Some(NOBODY), None).unwrap();
    site.serve(&[]).status(125).run();
    assert!(site.started().is_empty());
}

#[test]
fn a_folder_that_everybody_may_write_to_is_refused_and_one_of_the_group_is_not() {
    let site = Site::new();
    fs::create_dir(site.path("state")).unwrap();
    fs::set_permissions(site.path("state"), fs::Permissions::from_mode(0o777)).unwrap();
    let output = site.serve(&[]).status(125).run();
    assert!(output.stderr.ends_with(": others may write to it\n"), "{}", output.stderr);
    fs::set_permissions(site.path("state"), fs::Permissions::from_mode(0o775)).unwrap();
    site.serve(&[]).run();
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
    assert!(site.path("rel ative").join(format!("{}.json", site.port)).exists());
}
