//! How often other processes of ours have asked a server whether it is healthy: a byte each in a file that is there only where
//! it matters.

use std::{
    fs::{File, remove_file},
    io::{self, Write},
    path::Path,
};

use super::state_file;

/// Begins to count.
pub(crate) fn begin(path: &Path) -> io::Result<()> {
    state_file::in_folder(path, |_| File::create(path).map(drop))
}

/// Takes note that the server is asked now; where nobody counts, nothing.
pub(crate) fn note(path: &Path) {
    let _ = File::options().append(true).open(path).and_then(|mut file| file.write_all(b"."));
}

/// Returns how often it was asked.
pub(crate) fn count(path: &Path) -> u64 {
    path.metadata().map_or(0, |found| found.len())
}

/// Ends the count.
pub(crate) fn end(path: &Path) {
    let _ = remove_file(path);
}
