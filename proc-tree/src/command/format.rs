//! The flags that say how the answer looks.

use std::path::PathBuf;

use proc_tree::report::{Columns, Format, Sort};

/// How the answer looks.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct FormatArgs {
    /// List every process under its tree
    #[arg(long)]
    pub(crate) members: bool,

    /// Draw every process as a tree
    #[arg(long)]
    pub(crate) tree: bool,

    /// Order trees and processes: cpu, memory or pid
    #[arg(long, value_name = "KEY", hide_possible_values = true)]
    pub(crate) sort: Option<Sort>,

    /// Print a table, also where it is not the default
    #[arg(long, group = "format")]
    pub(crate) table: bool,

    /// Print one JSON object per tree and round
    #[arg(long, group = "format")]
    pub(crate) json: bool,

    /// Print the PIDs of all processes
    #[arg(long, group = "format")]
    pub(crate) pids: bool,

    /// Print comma-separated values
    #[arg(long, group = "format")]
    pub(crate) csv: bool,

    /// Print OpenMetrics text, for Prometheus
    #[arg(long, group = "format")]
    pub(crate) openmetrics: bool,

    /// Write to a file instead of stdout, or stderr with a command
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Draw CPU and memory over time, with --watch or a command
    #[arg(long, value_name = "FILE.svg")]
    pub(crate) plot: Option<PathBuf>,
}

impl FormatArgs {
    pub(crate) fn format(&self, gpu: bool, peaks: bool) -> Format {
        // clap lets one of these be given at most
        let chosen = [
            (self.json, Format::Json),
            (self.pids, Format::Pids),
            (self.csv, Format::Csv),
            (self.openmetrics, Format::OpenMetrics),
            (self.tree, Format::Drawing(self.sort)),
        ];
        let chosen = chosen.into_iter().find(|(is_given, _)| *is_given);
        chosen.map_or(Format::Table(Columns { gpu, peaks }), |(_, format)| format)
    }

    pub(crate) fn draws(&self) -> bool {
        matches!(self.format(false, false), Format::Drawing(_))
    }

    pub(crate) fn is_wanted(&self) -> bool {
        self.table || self.members || self.format(false, false) != Format::Table(Columns::default())
    }
}
