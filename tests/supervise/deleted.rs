//! The state folder is deleted while a server is kept up: it is made again, and what is known of the server with it.

use std::{fs, os::unix::fs::PermissionsExt};

use nix::sys::signal::Signal;

use crate::site::{Site, send};

#[test]
fn a_deleted_state_folder_is_made_again_at_the_next_restart() {
    let site = Site::new();
    let command = site.server(&[]);
    let first = site.kept(&[], &command);
    let supervisor = site.supervisor();
    fs::remove_dir_all(site.path("state")).expect("the folder is ours");
    send(first.pid.expect("a PID"), Signal::SIGKILL);
    site.generation(2);
    assert_eq!(site.supervisor(), supervisor, "it went on");
    assert_eq!(fs::metadata(site.path("state")).expect("a folder").permissions().mode() & 0o777, 0o700);
    let again = site.kept(&[], &command);
    assert_eq!((again.action.as_str(), again.restarts), ("reused", 1));
    site.tool().arg("--stop").run();
    assert!(site.processes().is_empty());
}
