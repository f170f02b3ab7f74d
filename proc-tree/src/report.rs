//! The records in the forms that people and programs read.

mod csv;
mod drawing;
mod openmetrics;
mod table;

use std::io::{self, Write};

use crate::{Record, terminal::Look};

pub use table::Columns;

/// A form of report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Aligned columns for people.
    Table(Columns),
    /// The members drawn as a tree.
    Drawing,
    /// JSON Lines.
    Json,
    /// The members' PIDs, each once, ascending, one per line.
    Pids,
    /// Comma-separated values (RFC 4180).
    Csv,
    /// The OpenMetrics text format.
    OpenMetrics,
}

impl Format {
    /// Tells whether the form shows the members one by one by its nature.
    pub fn needs_members(self) -> bool {
        matches!(self, Self::Drawing | Self::Pids)
    }

    /// Writes one round of records; `first` tells whether it is the first of a stream.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn write(self, records: &[Record], first: bool, out: &mut dyn Write, look: &Look) -> io::Result<()> {
        match self {
            Self::Table(columns) => table::write(records, columns, out, look),
            Self::Drawing => drawing::write(records, out, look),
            Self::Json => json(records, out),
            Self::Pids => pids(records, out),
            Self::Csv => csv::write(records, first, out),
            Self::OpenMetrics => openmetrics::write(records, out),
        }?;
        out.flush()
    }
}

fn json(records: &[Record], out: &mut dyn Write) -> io::Result<()> {
    for record in records {
        serde_json::to_writer(&mut *out, record)?;
        writeln!(out)?;
    }
    Ok(())
}

fn pids(records: &[Record], out: &mut dyn Write) -> io::Result<()> {
    let mut pids: Vec<u32> =
        records.iter().flat_map(|record| record.members.iter().flatten()).map(|one| one.pid).collect();
    pids.sort_unstable();
    pids.dedup();
    pids.iter().try_for_each(|pid| writeln!(out, "{pid}"))
}
