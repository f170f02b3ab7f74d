//! JSON Lines: one complete object per line.

use std::io::{self, Write};

use serde::Serialize;

/// Writes records, each as a line.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write<T: Serialize>(records: impl IntoIterator<Item = T>, out: &mut dyn Write) -> io::Result<()> {
    for record in records {
        serde_json::to_writer(&mut *out, &record)?;
        writeln!(out)?;
    }
    out.flush()
}
