//! The records in the forms that people and programs read.

mod csv;
mod drawing;
mod line;
mod openmetrics;
#[cfg(feature = "plot")]
pub mod plot;
mod table;

use std::{
    cmp::Ordering,
    io::{self, Write},
};

use crate::{
    Figures, TreeRecord, ascending,
    cli::{json_lines, terminal::Look},
};

pub use table::Columns;

/// A form of report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Aligned columns for people.
    Table(Columns),
    /// A line per tree and round, for a log.
    Lines,
    /// A sentence about a command that has ended.
    Summary,
    /// The members drawn as a tree, siblings in this order.
    Drawing(Option<Sort>),
    /// JSON Lines.
    Json,
    /// The members' PIDs, each once, ascending, one per line.
    Pids,
    /// Comma-separated values (RFC 4180).
    Csv,
    /// The OpenMetrics text format.
    OpenMetrics,
}

/// An order of trees and of members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Sort {
    /// The most CPU first.
    Cpu,
    /// The most memory first.
    Memory,
    /// By process ID.
    Pid,
}

impl Sort {
    /// Puts trees, and the members of each, in order; their total stays behind them.
    pub fn apply(self, records: &mut [TreeRecord]) {
        records.sort_by(|left, right| {
            let trees = self.compare((left.pid, &left.figures), (right.pid, &right.figures));
            left.pid.is_none().cmp(&right.pid.is_none()).then(trees)
        });
        for members in records.iter_mut().filter_map(|record| record.members.as_mut()) {
            members.sort_by(|left, right| {
                self.compare((Some(left.pid), &left.figures), (Some(right.pid), &right.figures))
            });
        }
    }

    pub(crate) fn compare(self, left: (Option<u32>, &Figures), right: (Option<u32>, &Figures)) -> Ordering {
        let figures = match self {
            Self::Cpu => right.1.cpu_percent.partial_cmp(&left.1.cpu_percent).unwrap_or(Ordering::Equal),
            Self::Memory => right.1.memory_bytes.cmp(&left.1.memory_bytes),
            Self::Pid => Ordering::Equal,
        };
        figures.then(left.0.cmp(&right.0))
    }
}

impl Format {
    /// Writes one round of records; `first` tells whether it is the first of a stream.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn write(self, records: &[TreeRecord], first: bool, out: &mut dyn Write, look: &Look) -> io::Result<()> {
        match self {
            Self::Table(columns) => table::write(records, columns, out, look),
            Self::Lines => line::write(records, out),
            Self::Summary => records.iter().try_for_each(|record| line::summary(record, out)),
            Self::Drawing(sort) => drawing::write(records, sort, out, look),
            Self::Json => json_lines::write(records, out),
            Self::Pids => pids(records, out),
            Self::Csv => csv::write(records, first, out),
            Self::OpenMetrics => openmetrics::write(records, out),
        }?;
        out.flush()
    }
}

fn pids(records: &[TreeRecord], out: &mut dyn Write) -> io::Result<()> {
    let members = records.iter().flat_map(|record| record.members.iter().flatten());
    ascending(members.map(|one| one.pid)).iter().try_for_each(|pid| writeln!(out, "{pid}"))
}
