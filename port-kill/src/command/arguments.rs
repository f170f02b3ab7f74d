//! The command line of `port-kill`: flags, and the way from them to what is done.

use std::{
    ffi::OsString,
    io::{self, Write},
    os::fd::AsFd,
    time::{Duration, Instant},
};

use anyhow::Context;
use clap::{Command, Parser};
use port_kill::{Awaited, Observer, PortOutcome, Report, Request, StopOptions, Target, free_observed, report};
use port_who::{Filter, PortSpec, parse_pattern, parse_user};
use proc_tree::{
    Signal,
    cli::{
        args::{self, Common, OutputError},
        completion::Candidate,
        duration,
        manual::Manual,
        progress::Progress,
        signals::{Event, Signals},
        slip::{Dictionary, Foreign},
        status::{Exit, UsageError},
        terminal::Look,
        tool::Tool,
    },
    selection::{self, InvalidInput},
};
use regex::Regex;

use super::{ask::Asker, manual::MANUAL, notes, status::Status};

/// What killport, kill-port, fkill, fuser and lsof call it.
const FOREIGN: Dictionary = &[
    (&["-k", "--kill", "--no-fail", "-v", "-vv", "-vvv", "--verbose", "-y", "--yes", "-nP", "-P"], Foreign::Nothing),
    (&["-m", "--mode"], Foreign::NothingWithValue),
    (&["-p", "--port", "--ports", "-ti", "-i:", "-iTCP:", "-itcp:"], Foreign::Operand),
    (&["--method", "--protocol"], Foreign::Suffix("/")),
    (&["-t", "--timeout", "--force-after-timeout", "--kill-after"], Foreign::Option("--grace")),
    (&["--sig"], Foreign::Option("--signal")),
    (&["-qq", "--silent"], Foreign::Option("--quiet")),
    (&["-r", "--recursive"], Foreign::Option("--tree")),
];

/// Frees ports: stops every process that listens there, never a client, and proves it.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Arguments {
    /// Ports: 8000, 8000-8099, 8000,8005-8007, 53/udp, 127.0.0.1:8000, [::1]:8000; - reads PIDs or records of port-who
    /// from standard input
    #[arg(value_name = "PORT", required_unless_present = "generate", value_parser = parse_operand)]
    operands: Vec<Operand>,

    /// Signal to send: a name or a number; -9, -KILL and -SIGINT say it too [default: TERM; postgres: INT]
    #[arg(short, long, value_name = "SIG", value_parser = clap::value_parser!(Signal), help_heading = "How to stop")]
    signal: Option<Signal>,

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
    common: Common,
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

impl Tool for Arguments {
    const NAME: &'static str = "port-kill";

    const MANUAL: &'static Manual = &MANUAL;

    const FOREIGN: Dictionary = FOREIGN;

    fn respell(operand: &str) -> Option<String> {
        port_who::respelled(operand)
    }

    fn parse_words(definition: Command, words: Vec<OsString>) -> Result<Self, clap::Error> {
        args::parse(definition, spell_out(words))
    }

    fn candidates(value: &str) -> Vec<Candidate> {
        port_who::candidates(value)
    }

    fn common(&self) -> &Common {
        &self.common
    }

    fn run(self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let Some(target) = self.target()? else {
            self.note("port-kill: standard input names no process");
            return Ok(if self.require { Status::No } else { Status::Done }.into());
        };
        let reads_stdin = matches!(target, Target::Processes(_));
        let request = self.request(target);
        let mut asker = None;
        if self.interactive && !self.dry_run {
            let opened = Asker::open(reads_stdin, self.common.color);
            asker = Some(opened.map_err(|_| UsageError::new("cannot ask without a terminal"))?);
        }
        let signals =
            Signals::catch(&[Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT]).context("cannot catch signals")?;
        let mut progress = Progress::colored(self.common.color);
        let mut draw = |awaited: &Awaited<'_>| progress.draw(&awaited.words(Instant::now()));
        let observer: Option<&mut Observer<'_>> =
            if Progress::is_seen(self.common.quiet) { Some(&mut draw) } else { None };
        let report = free_observed(
            &request,
            &mut |candidate| asker.as_mut().map_or(Ok(true), |asker| asker.confirm(candidate, &signals)),
            observer,
            Some(signals.as_fd()),
        )?;
        drop(progress);
        let interrupted = match signals.wait(None, Some(Instant::now()))? {
            Event::Signal(caught) => Some(caught.signal),
            Event::Deadline | Event::Ended => None,
        };
        self.tell(&report, interrupted, out)?;
        let status = Status::of(&report, self.dry_run, self.require);
        Ok(interrupted.map_or_else(|| status.into(), Exit::Signal))
    }

    fn status(error: &anyhow::Error) -> u8 {
        let status = if error.is::<InvalidInput>() { Status::Usage } else { Status::Failed };
        status as u8
    }
}

impl Arguments {
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
            return Err(UsageError::new("- stands alone: standard input names the ports").into());
        }
        let selected = selection::read(io::stdin().lock()).context("cannot read standard input")??;
        Ok((!selected.is_empty()).then_some(Target::Processes(selected)))
    }

    fn request(&self, target: Target) -> Request {
        Request {
            target,
            filter: Filter { user: self.user, name: self.name.clone(), command: self.command.clone() },
            options: StopOptions {
                signal: if self.force { Some(Signal::KILL) } else { self.signal },
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
            report::lines(report, out, &Look::of(&io::stdout(), self.common.color))?;
        }
        for unheld in &report.unheld {
            self.note(&format!("{unheld}  nothing was listening"));
        }
        if !self.json {
            report::total(report, out)?;
        }
        if let Some(signal) = interrupted {
            self.say(&notes::interruption(report, signal));
        }
        for port in report.ports.iter().filter(|port| port.in_use) {
            self.note(&notes::in_use(port));
        }
        // what would be done tells of those that it would be done to
        let is_told = |port: &PortOutcome| report.processes.iter().any(|process| process.port == Some(port.port));
        let is_held = |port: &&PortOutcome| !port.free && !port.in_use;
        for port in report.ports.iter().filter(is_held).filter(|port| !self.dry_run || !is_told(port)) {
            let held = notes::still_held(report, port);
            if port.left_alone { self.note(&held) } else { self.say(&held) }
        }
        for hint in &report.hints {
            self.note(&format!("hint: {}", notes::hint(hint)));
        }
        Ok(())
    }

    fn note(&self, text: &str) {
        if !self.common.quiet {
            self.say(text);
        }
    }

    /// Says it on stderr; there is nothing left to do when that is closed.
    fn say(&self, text: &str) {
        let _ = writeln!(io::stderr(), "{}", Look::of(&io::stderr(), self.common.color).pids(text));
    }
}

/// Spells a signal out that is given as kill(1) takes it: `-9`, `-KILL`, `-SIGINT`.
fn spell_out(words: Vec<OsString>) -> Vec<OsString> {
    let mut are_options = true;
    let spell_out = |word: OsString| {
        are_options &= word != "--";
        let signal =
            word.to_str().and_then(|word| word.strip_prefix('-')).filter(|signal| are_options && is_signal(signal));
        signal.map(|signal| format!("--signal={signal}").into()).unwrap_or(word)
    };
    words.into_iter().map(spell_out).collect()
}

/// Tells whether it is a number or a name in capitals, also one that no signal has: those in small letters are flags.
fn is_signal(text: &str) -> bool {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_name = text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    is_number || (is_name && text.len() > 1)
}

#[cfg(test)]
#[path = "../../../tests/support/definition.rs"]
mod definition;
