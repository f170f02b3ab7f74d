//! Helpers of the black-box tests: a tool run as a transcript, fixture processes that never outlive their test,
//! deadlines instead of sleeps.
#![allow(dead_code, unused_imports, reason = "each test file uses its part")]
#![allow(unreachable_pub, reason = "a module of tests, not a library")]
#![allow(clippy::missing_panics_doc, clippy::must_use_candidate, reason = "a helper that panics fails its test")]

pub mod built;
#[cfg(target_os = "linux")]
pub mod filter;
mod fixture;
mod port;
pub mod schema;
pub mod shell;
mod terminal;
mod tool;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    sync::Once,
    thread,
    time::{Duration, Instant},
};

pub use fixture::{Fixture, fixture_path};
pub use port::{free_port, free_ports};
pub use terminal::Terminal;
pub use tool::{Output, Tool, raw, tells_of_a_wait};

/// How long anything may take before its test fails; far more than it needs on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Lets children have the default signal actions, whatever started the tests: nohup(1) and a shell's background jobs ignore
/// SIGHUP, SIGINT and SIGQUIT, and what is ignored stays so across an exec. What is caught does not.
pub fn children_have_default_signals() {
    use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
    extern "C" fn nothing(_: std::ffi::c_int) {}
    static DONE: Once = Once::new();
    DONE.call_once(|| {
        let catch = SigAction::new(SigHandler::Handler(nothing), SaFlags::SA_RESTART, SigSet::empty());
        for signal in [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT] {
            // SAFETY: the handler does nothing.
            let before = unsafe { sigaction(signal, &catch) }.expect("these can be caught");
            if !matches!(before.handler(), SigHandler::SigIgn) {
                // SAFETY: this is the action that was there.
                unsafe { sigaction(signal, &before) }.expect("these can be set");
            }
        }
    });
}

/// The project's folder.
pub fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Waits until the condition holds.
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Tries cases side by side, for those that wait.
pub fn side_by_side<C: Send>(cases: impl IntoIterator<Item = C>, case: impl Fn(C) + Sync) {
    let case = &case;
    thread::scope(|scope| cases.into_iter().for_each(|one| drop(scope.spawn(move || case(one)))));
}

/// Prints why a test was not done, for the log of the run.
pub fn skipped(reason: &str) {
    #[expect(clippy::print_stderr, reason = "a skipped test says so")]
    {
        eprintln!("skipped: {reason}");
    }
}

/// Tells whether the tests run as root, and says so where a test needs it and they do not.
pub fn is_root_or_skipped() -> bool {
    let root = nix::unistd::geteuid().is_root();
    if !root {
        skipped("needs root");
    }
    root
}

/// A user that owns nothing.
pub const NOBODY: u32 = 65_534;

/// Finds a program on the path.
pub fn installed(program: &str) -> Option<PathBuf> {
    let found = std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join(program))
        .find(|path| fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0));
    if found.is_none() {
        skipped(&format!("{program} is not installed"));
    }
    found
}

/// Finds unshare(1) where it is installed and may make these namespaces, which are its arguments.
pub fn unshare(namespaces: &[&str]) -> Option<PathBuf> {
    let unshare = installed("unshare")?;
    let made = Command::new(&unshare).args(namespaces).arg("true").output().expect("unshare runs");
    if !made.status.success() {
        skipped(&format!("no namespaces by {namespaces:?}: {}", String::from_utf8_lossy(&made.stderr).trim_end()));
    }
    made.status.success().then_some(unshare)
}

/// Finds strace(1) where it is installed and may trace.
pub fn strace() -> Option<PathBuf> {
    let strace = installed("strace")?;
    let traced = Command::new(&strace).args(["-qq", "-o", "/dev/null", "true"]).output();
    let may_trace = traced.is_ok_and(|output| output.status.success());
    if !may_trace {
        skipped("strace may not trace here");
    }
    may_trace.then_some(strace)
}

/// Parses JSON Lines.
pub fn records(text: &str) -> Vec<serde_json::Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"))).collect()
}

/// Tells whether a process still runs; a zombie does not.
pub fn runs(pid: u32) -> bool {
    proc_tree::Identity::of(pid).is_ok_and(|found| found.is_some())
}
