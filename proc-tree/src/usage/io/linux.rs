//! Linux: `io` and `fd` below /proc/PID.

use std::{fs, io, os::unix::fs::MetadataExt};

use super::transfer::Transfer;
use crate::process::{self, if_exists};

pub(super) fn transfer(pid: u32) -> io::Result<Option<Transfer>> {
    let Some(bytes) = if_exists(process::read(pid, "io"))? else { return Ok(None) };
    let text = String::from_utf8_lossy(&bytes);
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    match (field("read_bytes:"), field("write_bytes:")) {
        (Some(read), Some(written)) => Ok(Some(Transfer { read, written })),
        _ => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// Since Linux 6.2 the folder's size is the number of its entries, and one stat(2) tells it for any user's process.
pub(super) fn open_files(pid: u32) -> io::Result<Option<u64>> {
    let folder = format!("/proc/{pid}/fd");
    match if_exists(fs::metadata(&folder))?.map(|folder| folder.size()) {
        Some(0) => Ok(if_exists(fs::read_dir(&folder))?.map(|entries| entries.count() as u64)),
        known => Ok(known),
    }
}
