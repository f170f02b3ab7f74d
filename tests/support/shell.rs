//! The five tools together, as a script finds them on its path.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use super::built;

pub const TOOLS: [&str; 5] = ["port-who", "port-kill", "proc-tree", "health-wait", "ensure-up"];

/// The folder of the binaries.
pub fn binaries() -> PathBuf {
    let programs = TOOLS.map(built::sibling);
    programs[0].parent().expect("a program is in a folder").to_owned()
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
