//! Logs that were deleted while their server writes to them: what they hold can be read where the server has them open.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use proc_tree::Identity;

use crate::{ServerProcesses, ServerRecord};

/// A log that has no name any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deleted {
    /// Who writes to it.
    pub writer: Identity,
    /// Where it can be read for as long as that process lives.
    pub at: PathBuf,
}

impl Deleted {
    /// Finds the log of a server that writes to it though it was deleted.
    pub fn of(record: &ServerRecord) -> Option<Self> {
        let members = ServerProcesses::of(record).and_then(|processes| processes.whole()).unwrap_or_default();
        find(record.log.as_deref()?, &[record.roots(), members].concat())
    }

    /// Tells whether it can be read there.
    pub fn is_readable(&self) -> bool {
        File::open(&self.at).is_ok()
    }
}

/// Finds a deleted log as the standard output or error of one of these processes.
///
/// Source: proc_pid_fd(5): the link to a file that was removed ends in ` (deleted)`.
#[cfg(target_os = "linux")]
fn find(path: &Path, processes: &[Identity]) -> Option<Deleted> {
    let mut link = path.as_os_str().to_owned();
    link.push(" (deleted)");
    let open = |&writer: &Identity| {
        let mut outputs = [1, 2].map(|number| PathBuf::from(format!("/proc/{}/fd/{number}", writer.pid))).into_iter();
        let at = outputs.find(|at| std::fs::read_link(at).is_ok_and(|found| found.as_os_str() == link))?;
        Some(Deleted { writer, at })
    };
    processes.iter().find_map(open)
}

/// Nobody tells there.
#[cfg(target_os = "macos")]
fn find(_path: &Path, _processes: &[Identity]) -> Option<Deleted> {
    None
}
