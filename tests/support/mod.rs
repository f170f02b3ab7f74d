//! Helpers of the black-box tests: a tool run as a transcript, fixture processes that never outlive their test,
//! deadlines instead of sleeps.
#![allow(dead_code, unused_imports, reason = "each test file uses its part")]
#![allow(unreachable_pub, reason = "a module of tests, not a library")]
#![allow(clippy::missing_panics_doc, clippy::must_use_candidate, reason = "a helper that panics fails its test")]

#[cfg(target_os = "linux")]
pub mod filter;
mod fixture;
pub mod schema;
pub mod shell;
mod terminal;
mod tool;

use std::{
    fs,
    net::{IpAddr, SocketAddr},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    sync::{
        Once,
        atomic::{AtomicU16, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

pub use fixture::{Fixture, fixture_path};
pub use terminal::Terminal;
pub use tool::{Output, Tool, raw};

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

/// Waits until the condition holds.
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        thread::sleep(Duration::from_millis(2));
    }
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

/// Returns a port that nobody held a moment ago, on any address and by either protocol.
///
/// It is below the ports that a busy machine gives to its clients, and another one each time.
pub fn free_port() -> u16 {
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    children_have_default_signals();
    let first = u16::try_from(std::process::id() % 5000).expect("below 5000");
    (0..5000)
        .map(|_| 15_000 + (first + TAKEN.fetch_add(1, Ordering::Relaxed) % 5000) % 5000)
        .find(|&port| is_free(port))
        .expect("the machine has a free port")
}

/// The port is bound and never listened on: a process that another test forks in this moment has the socket too, for a
/// while, and must not seem to serve it.
fn is_free(port: u16) -> bool {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, socket_with, sockopt};
    let families =
        [(AddressFamily::INET, IpAddr::from([0, 0, 0, 0])), (AddressFamily::INET6, IpAddr::from([0_u16; 8]))];
    families.into_iter().all(|(family, address)| {
        [SocketType::STREAM, SocketType::DGRAM].into_iter().all(|kind| {
            // a machine without IPv6 has no such socket, and no holder there
            let Ok(socket) = socket_with(family, kind, SocketFlags::CLOEXEC, None) else { return true };
            let only = address.is_ipv4() || sockopt::set_ipv6_v6only(&socket, true).is_ok();
            only && bind(&socket, &SocketAddr::new(address, port)).is_ok()
        })
    })
}

/// Parses JSON Lines.
pub fn records(text: &str) -> Vec<serde_json::Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"))).collect()
}

/// Tells whether a process still runs; a zombie does not.
pub fn runs(pid: u32) -> bool {
    proc_tree::Identity::of(pid).is_ok_and(|found| found.is_some())
}
