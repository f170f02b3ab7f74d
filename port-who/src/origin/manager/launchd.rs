//! macOS: launchd(8). Type-checked from Linux, never run.

use proc_tree::Facts;

use super::Manager;

const LAUNCHD: u32 = 1;

/// launchd takes over every orphan, but makes only its own jobs leaders of a session (launchd.plist(5) forbids jobs to
/// call setsid(2) themselves for that reason).
pub(in crate::origin) fn manager(process: &Facts) -> Option<Manager> {
    (process.ppid == LAUNCHD && process.session == process.pid).then_some(Manager::Launchd)
}
