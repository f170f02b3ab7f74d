//! The command line of `proc-tree`: flags, exit statuses, and the way from one to the other.

use std::{
    io::{self, IsTerminal, Read, Write},
    process::ExitCode,
    thread,
    time::Duration,
};

use anyhow::Context;
use clap::Parser;
use proc_tree::{
    Sampler,
    command_line::{Common, OutputError},
    duration,
    memory::Choice,
    report::{Columns, Format},
    roots,
    sampler::Options,
    selection::{self, InvalidPid, Selected},
    terminal::Look,
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
    pub(crate) fn from_error(error: &anyhow::Error) -> Self {
        if error.is::<selection::InvalidLine>() || error.is::<UsageError>() { Self::Usage } else { Self::Failed }
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status as u8)
    }
}

/// Arguments that clap cannot know to be wrong.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UsageError(&'static str);

/// Sums what a process tree really uses: CPU, memory, I/O.
#[derive(Debug, Parser)]
#[command(version, after_help = proc_tree::command_line::statuses(Status::HELP))]
pub(crate) struct Cli {
    /// Roots of trees; - or none reads PIDs or JSON records from stdin, one per line
    #[arg(value_name = "PID", value_parser = parse_root)]
    pids: Vec<Given>,

    /// How long to measure CPU
    #[arg(long, value_name = "DURATION", default_value = "100ms", value_parser = duration::parse)]
    interval: Duration,

    /// How to measure memory: auto, pss, uss or rss
    #[arg(long, value_name = "MEASURE", default_value = "auto", hide_possible_values = true)]
    memory: Choice,

    /// Count processes that left the tree by a double fork but not its session
    #[arg(long)]
    session: bool,

    /// List every process under its tree
    #[arg(long)]
    members: bool,

    /// Print one JSON object per tree
    #[arg(long, help_heading = "Output")]
    json: bool,

    #[command(flatten)]
    pub(crate) common: Common,
}

/// A process as it is given: by its PID, or by a line of stdin.
#[derive(Debug, Clone, Copy)]
enum Given {
    Pid(u32),
    Stdin,
}

fn parse_root(text: &str) -> Result<Given, InvalidPid> {
    if text == "-" { Ok(Given::Stdin) } else { selection::parse_pid(text).map(Given::Pid) }
}

impl Cli {
    pub(crate) fn run(&self, out: &mut dyn Write) -> anyhow::Result<Status> {
        let selected = self.selected()?;
        let (roots, missing) = roots::find(&selected).context("cannot read the process table")?;
        for missing in &missing {
            if !self.common.quiet {
                let _ = writeln!(io::stderr(), "proc-tree: {missing}");
            }
        }
        if roots.is_empty() {
            return Ok(Status::No);
        }
        let options =
            Options { memory: self.memory, session: self.session, members: self.members, ..Options::default() };
        let mut sampler = Sampler::new(roots, options).context("cannot read the process table")?;
        thread::sleep(self.interval.saturating_sub(sampler.since().elapsed()));
        let mut records = sampler.sample().context("cannot read the process table")?;
        if records.len() > 1 {
            records.extend(sampler.total(&records));
        }
        let format = if self.json { Format::Json } else { Format::Table(Columns::default()) };
        format.write(&records, true, out, &Look::of(&io::stdout(), self.common.color)).map_err(OutputError)?;
        Ok(if records.is_empty() { Status::No } else { Status::Done })
    }

    fn selected(&self) -> anyhow::Result<Vec<Selected>> {
        let mut selected = Vec::new();
        let stdin = [Given::Stdin];
        if self.pids.is_empty() && io::stdin().is_terminal() {
            return Err(UsageError("no PID given").into());
        }
        for given in if self.pids.is_empty() { stdin.as_slice() } else { &self.pids } {
            match given {
                Given::Pid(pid) => selected.push(Selected::from(*pid)),
                Given::Stdin => {
                    let mut text = Vec::new();
                    io::stdin().lock().read_to_end(&mut text).context("cannot read standard input")?;
                    selected.extend(selection::parse(&String::from_utf8_lossy(&text))?);
                }
            }
        }
        Ok(selected)
    }
}
