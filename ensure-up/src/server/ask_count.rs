//! How often other processes of ours have asked a server whether it is healthy: a byte each in a file that is there only where
//! it matters.

use std::{fs::remove_file, io, path::Path};

use super::state_file;

/// Begins to count.
pub(crate) fn begin(path: &Path) -> io::Result<()> {
    state_file::write(path, b"")
}

/// Takes note that the server is asked now; where nobody counts, nothing.
pub(crate) fn note(path: &Path) {
    let _ = state_file::append(path, b".");
}

/// Returns how often it was asked.
pub(crate) fn count(path: &Path) -> u64 {
    path.metadata().map_or(0, |found| found.len())
}

/// Ends the count.
pub(crate) fn end(path: &Path) {
    let _ = remove_file(path);
}
