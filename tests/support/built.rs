//! Programs of the workspace that a test runs beside its own: the tests of one crate build no other's.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

/// Returns the folder into which cargo puts what it built with the tests.
pub fn folder() -> PathBuf {
    let test = env::current_exe().expect("a test knows its path");
    test.parent().and_then(Path::parent).expect("target/PROFILE/deps/TEST").to_owned()
}

/// Returns the path of another tool, as it was built last; where it never was, it is built.
pub fn sibling(tool: &str) -> PathBuf {
    let path = folder().join(tool);
    if !path.exists() {
        build(&["--package", tool, "--bin", tool]);
    }
    path
}

/// Builds a part of the workspace in the profile of the tests.
pub(super) fn build(part: &[&str]) {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet"]).args(part).current_dir(env!("CARGO_MANIFEST_DIR"));
    if folder().ends_with("release") {
        cargo.arg("--release");
    }
    assert!(cargo.status().is_ok_and(|status| status.success()), "cargo build {part:?} failed");
}
