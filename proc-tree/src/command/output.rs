//! Where the report goes, and how.

use std::io::{self, Write};

use proc_tree::{
    Record,
    cli::{
        args::OutputError,
        terminal::{Color, Look},
    },
    report::Format,
};

/// A stream and the form of what is written to it.
pub(crate) struct Output<'o> {
    pub(crate) out: &'o mut dyn Write,
    pub(crate) format: Format,
    pub(crate) color: Color,
    /// Whether `out` is a file and not stdout.
    pub(crate) is_file: bool,
    /// Whether the form was asked for: then it is written also where a limit is exceeded and one line says it all.
    pub(crate) is_wanted: bool,
}

impl Output<'_> {
    /// Returns what the stream can show right now: a terminal may change its size.
    pub(crate) fn look(&self) -> Look {
        if self.is_file { Look::plain() } else { Look::of(&io::stdout(), self.color) }
    }

    /// Tells whether pictures can be drawn over one another.
    pub(crate) fn is_terminal(&self) -> bool {
        !self.is_file && rustix::termios::isatty(io::stdout())
    }

    /// Writes one round.
    pub(crate) fn write(&mut self, records: &[Record], first: bool) -> Result<(), OutputError> {
        let look = self.look();
        Ok(self.format.write(records, first, self.out, &look)?)
    }
}
