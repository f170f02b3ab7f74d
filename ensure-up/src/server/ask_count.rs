//! How often other processes of ours have asked a server whether it is healthy: a byte each in a file that is there only where
//! it matters.

use std::{fs::remove_file, io, path::Path};

use super::state_file;

/// Begins to count.
pub(crate) fn begin(path: &Path) -> io::Result<()> {
    state_file::write(path, b"")
}

/// Takes note that so many connections are made to the server now, to ask it; where nobody counts, nothing.
pub(crate) fn note(path: &Path, connections: usize) {
    let _ = state_file::append(path, &vec![b'.'; connections]);
}

/// Returns how often it was asked.
pub(crate) fn count(path: &Path) -> u64 {
    path.metadata().map_or(0, |found| found.len())
}

/// Ends the count.
pub(crate) fn end(path: &Path) {
    let _ = remove_file(path);
}
