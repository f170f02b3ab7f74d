//! Network namespaces: each has sockets of its own, network_namespaces(7).
//!
//! Linux only; elsewhere there is one network, and asking for others is an error.

use std::io;

#[cfg_attr(target_os = "linux", path = "namespace/linux.rs")]
#[cfg_attr(target_os = "macos", path = "namespace/macos.rs")]
mod platform;

/// A network namespace, held open.
#[derive(Debug)]
pub(crate) struct Namespace {
    /// Its number, as `ls -L -i /proc/PID/ns/net` shows it.
    pub(crate) inode: u64,
    handle: std::os::fd::OwnedFd,
}

/// The network namespaces of all processes but the caller's own.
#[derive(Debug, Default)]
pub(crate) struct Others {
    pub(crate) namespaces: Vec<Namespace>,
    /// How many processes would not say which namespace they are in.
    pub(crate) hidden: usize,
}

/// Names the network namespace of the calling thread; `None` where there are none.
pub(crate) fn own() -> Option<u64> {
    platform::own()
}

/// Finds each distinct `/proc/*/ns/net`, once.
///
/// # Errors
/// When the caller may not enter namespaces at all, or the processes cannot be listed.
pub(crate) fn others() -> io::Result<Others> {
    platform::others()
}

impl Namespace {
    /// Does the work on a thread of its own, inside this namespace: the caller's threads stay where they are.
    ///
    /// # Errors
    /// When the namespace cannot be entered.
    pub(crate) fn within<T: Send>(&self, work: impl FnOnce() -> T + Send) -> io::Result<T> {
        platform::within(&self.handle, work)
    }
}
