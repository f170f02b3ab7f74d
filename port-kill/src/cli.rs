//! The command line of `port-kill`: flags, exit statuses, and the way from one to the other.

use std::{
    io::{self, Read, Write},
    os::fd::AsFd,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::Context;
use clap::Parser;
use port_kill::{Outcome, Report, Request, Settings, Target, free, report};
use port_who::{Filter, PortSpec, parse_pattern, parse_user};
use proc_tree::Signal;
use proc_tree::{
    cli::{
        args::{self, Common, OutputError},
        duration,
        signals::{self, Event, Signals},
        text,
    },
    selection::{self, InvalidLine},
};
use regex::Regex;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::ask::Asker;

/// How the tool ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Status {
    /// Every port is free, or it was only asked what would be done.
    Done = 0,
    /// A port is still held, or there was nothing to do and `--require` was given.
    No = 1,
    /// The arguments or a line of standard input are wrong; nothing was done.
    Usage = 2,
    /// The tool could not do its work.
    Failed = 125,
}

impl Status {
    /// The statuses as `--help` lists them.
    pub(crate) const HELP: &[(&str, &str)] = &[
        ("0", "every port is free, or --dry-run"),
        ("1", "a port is still held; with --require, nothing was listening; stdin was empty"),
        ("2", "usage: a bad flag, port or line of stdin, no terminal for -i; nothing was done"),
        ("125", "port-kill itself could not do its work"),
        ("by signal", "SIGINT or SIGTERM, after saying what was signalled"),
    ];

    /// Tells which status a failure ends with.
    pub(crate) fn from_error(error: &anyhow::Error) -> Self {
        if error.is::<InvalidLine>() || error.is::<UsageError>() { Self::Usage } else { Self::Failed }
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status as u8)
    }
}

/// Arguments that are wrong together or on this machine.
#[derive(Debug, thiserror::Error)]
enum UsageError {
    #[error("- stands alone: standard input names the ports")]
    PortsAndStdin,
    #[error("cannot ask without a terminal")]
    NoTerminal,
}

const EXAMPLES: &[(&str, &str)] = &[
    ("port-kill 8000", "stop what listens on port 8000; SIGKILL after 5 s"),
    ("port-kill --tree 5001 8000-8099", "stop those servers with all that they started"),
    ("port-kill -n 8000", "show what would be signalled"),
    ("port-kill --name node --settle 2s 3000", "stop only node, and see whether it comes back"),
    ("port-who --json 8000 | port-kill -", "stop exactly what was listed"),
];

/// Frees ports: stops every process that listens there, never a client, and proves it.
#[derive(Debug, Parser)]
#[command(version, after_help = format!("{}\n{}", args::examples(EXAMPLES), args::statuses(Status::HELP)))]
pub(crate) struct Cli {
    /// Ports: 8000, 8000-8099, 8000,8005-8007, 53/udp, 127.0.0.1:8000, [::1]:8000; - reads PIDs or records of port-who
    /// from standard input
    #[arg(value_name = "PORT", required_unless_present = "generate", value_parser = parse_operand)]
    operands: Vec<Operand>,

    /// Signal to send: a name or a number
    #[arg(short, long, value_name = "SIG", default_value = "TERM", value_parser = clap::value_parser!(Signal), help_heading = "How to stop")]
    signal: Signal,

    /// Send SIGKILL at once
    #[arg(short, long, help_heading = "How to stop", conflicts_with = "signal")]
    force: bool,

    /// Wait this long before SIGKILL
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = duration::parse, help_heading = "How to stop")]
    grace: Duration,

    /// Never send SIGKILL after the grace
    #[arg(long, help_heading = "How to stop")]
    no_escalate: bool,

    /// Stop every descendant too, also those forked meanwhile
    #[arg(long, help_heading = "How to stop")]
    tree: bool,

    /// Only show what would be signalled
    #[arg(short = 'n', long, help_heading = "How to stop")]
    dry_run: bool,

    /// Ask on the terminal before each process
    #[arg(short, long, help_heading = "How to stop")]
    interactive: bool,

    /// Watch for this long that nobody takes the ports again
    #[arg(long, value_name = "DURATION", default_value = "0", hide_default_value = true, value_parser = duration::parse, help_heading = "How to stop")]
    settle: Duration,

    /// Only holders whose command line matches
    #[arg(long = "match", value_name = "REGEX", value_parser = parse_pattern, help_heading = "Whom to stop")]
    command: Option<Regex>,

    /// Only holders with exactly this process name
    #[arg(long, value_name = "NAME", help_heading = "Whom to stop")]
    name: Option<String>,

    /// Only holders of this user, by name or number
    #[arg(long, value_name = "NAME|UID", value_parser = parse_user, help_heading = "Whom to stop")]
    user: Option<u32>,

    /// Status 1 when nothing was listening
    #[arg(long, help_heading = "Output")]
    require: bool,

    /// One JSON object per line: a record per process, then one per port
    #[arg(long, help_heading = "Output")]
    json: bool,

    #[command(flatten)]
    pub(crate) common: Common,
}

/// One operand.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Operand {
    Stdin,
    Ports(PortSpec),
}

fn parse_operand(text: &str) -> Result<Operand, port_who::InvalidPort> {
    if text == "-" { Ok(Operand::Stdin) } else { text.parse().map(Operand::Ports) }
}

impl Cli {
    pub(crate) fn run(&self, out: &mut dyn Write) -> anyhow::Result<Status> {
        let Some(target) = self.target()? else {
            self.note("port-kill: standard input names no process");
            return Ok(Status::No);
        };
        let reads_stdin = matches!(target, Target::Processes(_));
        let request = self.request(target);
        let mut asker = None;
        if self.interactive && !self.dry_run {
            asker = Some(Asker::open(reads_stdin).map_err(|_| UsageError::NoTerminal)?);
        }
        let signals = Signals::catch(&[Signal::INT, Signal::TERM]).context("cannot catch signals")?;
        raise_descriptor_limit();
        let signal = request.settings.signal.name();
        let report = free(
            &request,
            &mut |candidate| asker.as_mut().map_or(Ok(true), |asker| asker.confirm(candidate, signal, &signals)),
            Some(signals.as_fd()),
        )?;
        let interrupted = match signals.wait(None, Some(Instant::now()))? {
            Event::Signal(caught) => Some(caught.signal),
            Event::Deadline | Event::Ended => None,
        };
        self.tell(&report, interrupted, out)?;
        if let Some(signal) = interrupted {
            signals::die_by(signal);
        }
        Ok(self.status(&report))
    }

    /// Reads the operands; `None` for an empty standard input.
    fn target(&self) -> anyhow::Result<Option<Target>> {
        if !self.operands.contains(&Operand::Stdin) {
            let ports = self.operands.iter().filter_map(|operand| match operand {
                Operand::Ports(ports) => Some(ports.clone()),
                Operand::Stdin => None,
            });
            return Ok(Some(Target::Ports(ports.collect())));
        }
        if self.operands.len() > 1 {
            return Err(UsageError::PortsAndStdin.into());
        }
        let mut input = Vec::new();
        io::stdin().lock().read_to_end(&mut input).context("cannot read standard input")?;
        let selected = selection::parse(&String::from_utf8_lossy(&input))?;
        Ok((!selected.is_empty()).then_some(Target::Processes(selected)))
    }

    fn request(&self, target: Target) -> Request {
        Request {
            target,
            filter: Filter { user: self.user, name: self.name.clone(), command: self.command.clone() },
            settings: Settings {
                signal: if self.force { Signal::KILL } else { self.signal },
                grace: self.grace,
                escalate: !self.no_escalate,
                tree: self.tree,
                session: false,
            },
            dry_run: self.dry_run,
            settle: self.settle,
        }
    }

    fn tell(&self, report: &Report, interrupted: Option<Signal>, out: &mut dyn Write) -> Result<(), OutputError> {
        if self.json {
            report::json(report, out)?;
        } else {
            report::lines(report, out)?;
        }
        for unheld in &report.unheld {
            self.note(&format!("{unheld}  nothing was listening"));
        }
        if let Some(signal) = interrupted {
            say(&report::interruption(report, signal));
        }
        if !self.dry_run {
            for port in report.ports.iter().filter(|port| !port.free) {
                say(&report::still_held(report, port));
            }
        }
        for hint in &report.hints {
            self.note(&format!("hint: {}", text::escape(hint)));
        }
        Ok(())
    }

    fn note(&self, text: &str) {
        if !self.common.quiet {
            say(text);
        }
    }

    fn status(&self, report: &Report) -> Status {
        let nothing = report.processes.iter().all(|process| process.outcome == Outcome::Gone) && report.is_free();
        match () {
            () if self.require && nothing => Status::No,
            () if self.dry_run || report.is_free() => Status::Done,
            () => Status::No,
        }
    }
}

/// Says it on stderr; there is nothing left to do when that is closed.
fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Every process that is waited for takes a descriptor, and a tree may have more than the usual 1024.
fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    // where it may not be raised, what cannot be opened is reported as such
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}
