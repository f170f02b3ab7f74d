//! A record that cannot be read is not absent: status 125 and its path, whatever was asked for, and nothing is touched.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use crate::{site::Site, support::strace};

/// Runs ensure-up where a system call on this path ends with an error.
fn refused(strace: &Path, site: &Site, path: &Path, fault: &str, arguments: &[String]) -> Output {
    let call = fault.split(':').next().unwrap_or_default();
    let mut command = Command::new(strace);
    command.args(["-qq", "-o", "/dev/null", "-P"]).arg(path).args(["-e", &format!("trace={call}")]);
    command.args(["-e", &format!("inject={fault}"), env!("CARGO_BIN_EXE_ensure-up")]).args(arguments);
    command.current_dir(site.folder()).env("ENSURE_UP_DIR", site.path("state")).output().expect("strace runs")
}

#[test]
fn a_record_that_cannot_be_read_is_an_error_with_its_path_and_its_server_is_left_alone() {
    let Some(strace) = strace() else { return };
    let site = Site::new();
    let server = site.server(&[]);
    let pid = site.line(&[], &server).pid.unwrap();
    let port = site.port.to_string();
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    let start = |options: &[&str]| [words(&["--port", &port]), words(options), words(&["--"]), server.clone()].concat();
    let calls = [
        ("start", start(&[])),
        ("--restart", start(&["--restart"])),
        ("--keep-up", start(&["--keep-up"])),
        ("--stop", words(&["--stop", &port])),
        ("--stop, all", words(&["--stop"])),
        ("--status", words(&["--status"])),
        ("--status PORT", words(&["--status", &port])),
        ("--logs", words(&["--logs", &port])),
    ];
    let faults: [(PathBuf, &str); 6] = [
        (site.record(), "openat:error=EIO"),
        (site.record(), "openat:error=EMFILE"),
        (site.record(), "openat:error=ENFILE"),
        (site.record(), "openat:error=EACCES"),
        (site.record(), "read:error=EIO"),
        (site.path("state"), "getdents64:error=EIO"),
    ];
    for (path, fault) in &faults {
        for (what, arguments) in &calls {
            // a start that needs no more than its own record does not list the folder
            if *what == "start" && fault.starts_with("getdents64") {
                continue;
            }
            let output = refused(&strace, &site, path, fault, arguments);
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(125), "{what} with {fault}: {output:?}");
            assert!(said.contains(&path.display().to_string()), "{what} with {fault}: {said}");
            assert_eq!(site.alive(), [pid], "{what} with {fault}");
        }
    }
    assert_eq!(site.line(&[], &server).action, "reused");
}
