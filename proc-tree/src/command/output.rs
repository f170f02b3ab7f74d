//! How the report looks, and where it goes.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use anyhow::Context;
use proc_tree::{
    Record,
    cli::{
        args::OutputError,
        terminal::{Color, Look},
        text,
    },
    report::Format,
};

/// The form of what is written, to standard output or to a file.
pub(crate) struct Output {
    pub(crate) format: Format,
    pub(crate) color: Color,
    /// The file, where it is not standard output.
    pub(crate) file: Option<PathBuf>,
    /// Whether the form was asked for: then it is written also where a limit is exceeded and one line says it all.
    pub(crate) is_wanted: bool,
}

impl Output {
    /// Writes one round for what the stream can show right now: a terminal may change its size.
    pub(crate) fn write(&self, records: &[Record], first: bool, out: &mut dyn Write) -> anyhow::Result<()> {
        let look = if self.file.is_some() { Look::plain() } else { Look::of(&io::stdout(), self.color) };
        let written = self.format.write(records, first, out, &look);
        match &self.file {
            Some(path) => written.with_context(|| cannot_write(path)),
            None => Ok(written.map_err(OutputError)?),
        }
    }
}

/// What is said of a file that cannot be written.
pub(crate) fn cannot_write(path: &std::path::Path) -> String {
    format!("cannot write {}", text::path(path))
}
