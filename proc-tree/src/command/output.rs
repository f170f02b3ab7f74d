//! How the report looks, and where it goes.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::Context;
use proc_tree::{
    TreeRecord,
    cli::{
        args::OutputError,
        terminal::{Color, Look},
        text,
    },
    report::Format,
};

/// Where a report goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Destination {
    Stdout,
    /// A command has standard output for itself.
    Stderr,
    File(PathBuf),
}

/// A form of report, and where it goes.
pub(crate) struct Output {
    pub(crate) format: Format,
    pub(crate) color: Color,
    pub(crate) destination: Destination,
    /// Whether the form was asked for: then it is written also where a limit is exceeded and one line says it all.
    pub(crate) is_wanted: bool,
    /// Whether nothing but errors is said on standard error.
    pub(crate) quiet: bool,
}

impl Output {
    /// Tells whether there is anything to write: what a command used is said beside what it says, unless that was asked for.
    pub(crate) fn is_said(&self) -> bool {
        self.is_wanted || !self.quiet || self.destination != Destination::Stderr
    }

    /// Writes one round.
    pub(crate) fn write(&self, records: &[TreeRecord], first: bool, out: &mut dyn Write) -> anyhow::Result<()> {
        self.write_as(self.format, records, first, out)
    }

    /// Writes one round in another form, for what the stream can show right now: a terminal may change its size.
    pub(crate) fn write_as(
        &self,
        format: Format,
        records: &[TreeRecord],
        first: bool,
        out: &mut dyn Write,
    ) -> anyhow::Result<()> {
        let look = match self.destination {
            Destination::Stdout => Look::of(&io::stdout(), self.color),
            Destination::Stderr => Look::of(&io::stderr(), self.color),
            Destination::File(_) => Look::plain(),
        };
        let written = format.write(records, first, out, &look);
        match &self.destination {
            Destination::Stdout => Ok(written.map_err(OutputError)?),
            Destination::Stderr => written.context("cannot write to standard error"),
            Destination::File(path) => written.with_context(|| cannot_write(path)),
        }
    }
}

/// What is said of a file that cannot be written.
pub(crate) fn cannot_write(path: &Path) -> String {
    format!("cannot write {}", text::path(path))
}
