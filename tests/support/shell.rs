//! The five tools together, as a script finds them on its path.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use super::fixture::build_folder;

pub const TOOLS: [&str; 5] = ["port-who", "port-kill", "proc-tree", "health-wait", "ensure-up"];

/// The folder of the binaries. When one crate's tests run alone, its siblings are built first.
pub fn binaries() -> PathBuf {
    let folder = build_folder();
    for tool in TOOLS.iter().filter(|tool| !folder.join(tool).exists()) {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--package", tool]).current_dir(env!("CARGO_MANIFEST_DIR"));
        if folder.ends_with("release") {
            cargo.arg("--release");
        }
        assert!(cargo.status().is_ok_and(|status| status.success()), "{tool} could not be built");
    }
    folder
}

/// Prepares a script with the tools on its path, in a world of its own.
pub fn shell(text: &str, folder: &Path) -> Command {
    super::children_have_default_signals();
    let path = std::env::var("PATH").unwrap_or_default();
    let mut shell = Command::new("/bin/sh");
    shell.args(["-euc", text]).current_dir(folder).stdin(Stdio::null());
    shell.env("PATH", format!("{}:{path}", binaries().display())).env("ENSURE_UP_DIR", folder.join("state"));
    shell
}

/// Runs a script to its end.
pub fn script(text: &str, folder: &Path) -> Output {
    shell(text, folder).output().expect("a shell runs")
}
