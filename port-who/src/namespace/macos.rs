//! macOS: one network for all. Type-checked from Linux, never run.

use std::{io, os::fd::OwnedFd};

use super::Others;

pub(super) fn own() -> Option<u64> {
    None
}

pub(super) fn others() -> io::Result<Others> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "this system has no network namespaces"))
}

pub(super) fn within<T: Send>(_: &OwnedFd, _: impl FnOnce() -> T + Send) -> io::Result<T> {
    Err(io::ErrorKind::Unsupported.into())
}
