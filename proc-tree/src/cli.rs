//! The command line of `proc-tree`: flags, exit statuses, and the way from one to the other.

use std::{io::Write, process::ExitCode};

use clap::Parser;
use proc_tree::{
    command_line::{Common, OutputError},
    selection,
    table::Table,
    terminal::{Look, PID},
    tree,
};

/// How the tool ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Status {
    /// It was done.
    Done = 0,
    /// No given process exists.
    No = 1,
    /// The arguments are wrong; nothing was done.
    Usage = 2,
    /// The tool could not do its work.
    Failed = 125,
}

impl Status {
    /// The statuses as `--help` lists them.
    pub(crate) const HELP: &[(&str, &str)] = &[
        ("0", "done"),
        ("1", "no given process exists"),
        ("2", "usage: a bad flag, PID, duration or line of stdin; nothing was done"),
        ("125", "proc-tree itself could not do its work"),
    ];

    /// Tells which status a failure ends with.
    pub(crate) fn from_error(_error: &anyhow::Error) -> Self {
        Self::Failed
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status as u8)
    }
}

/// Sums what a process tree really uses.
#[derive(Debug, Parser)]
#[command(version, after_help = proc_tree::command_line::statuses(Status::HELP))]
pub(crate) struct Cli {
    /// Root of a tree
    #[arg(value_name = "PID", value_parser = selection::parse_pid)]
    pids: Vec<u32>,

    #[command(flatten)]
    pub(crate) common: Common,
}

impl Cli {
    pub(crate) fn run(&self, out: &mut dyn Write) -> anyhow::Result<Status> {
        let mut table = Table::new(["PID", "NAME", "PROCS", "THREADS"]).styled(0, PID);
        for &pid in &self.pids {
            let members = tree::members(pid)?;
            let Some(root) = members.first() else { continue };
            let threads: u32 = members.iter().map(|member| member.threads).sum();
            table.row(vec![pid.to_string(), root.name.clone(), members.len().to_string(), threads.to_string()]);
        }
        if table.is_empty() {
            return Ok(Status::No);
        }
        table.write(out, &Look::of(&std::io::stdout(), self.common.color)).map_err(OutputError)?;
        Ok(Status::Done)
    }
}
