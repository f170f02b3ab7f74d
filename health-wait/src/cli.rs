//! The command line of `health-wait`: flags, exit statuses, and the way from one to the other.

use std::{
    cell::RefCell,
    convert::Infallible,
    ffi::OsString,
    future::pending,
    io::{self, Write},
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::Context;
use clap::Parser;
use health_wait::{Event, Goal, ProbeOptions, Quorum, Report, Target, Verdict, Wait, WaitError, report};
use proc_tree::{
    Handle, Identity,
    cli::{
        args::{Common, OutputError},
        duration,
    },
    selection,
};

use crate::{
    command::{self, CommandError},
    progress::{self, Progress},
    signals,
};

/// How the tool ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Status {
    /// The targets are as awaited.
    Done = 0,
    /// Asked once, and they are not.
    No = 1,
    /// The arguments are wrong; nothing was done.
    Usage = 2,
    /// The process of `--pid` ended.
    Ended = 3,
    /// An answer could only mean failure.
    Fatal = 4,
    /// The deadline passed.
    TimedOut = 124,
    /// The tool could not do its work.
    Failed = 125,
    /// The command could not be executed.
    NotExecutable = 126,
    /// The command was not found.
    NotFound = 127,
}

impl Status {
    /// The statuses as `--help` lists them.
    pub(crate) const HELP: &[(&str, &str)] = &[
        ("0", "healthy; with -- CMD the status is CMD's"),
        ("1", "not healthy (--once)"),
        ("2", "usage: a bad flag, target, duration or pattern; nothing was done"),
        ("3", "the process of --pid ended"),
        ("4", "a definite failure (--fail-status, --fail-body)"),
        ("124", "the deadline passed"),
        ("125", "health-wait itself could not do its work"),
        ("126, 127", "CMD could not be executed, was not found"),
    ];

    /// Tells which status a failure ends with.
    pub(crate) fn from_error(error: &anyhow::Error) -> Self {
        match (error.downcast_ref(), error.downcast_ref()) {
            (Some(CommandError::NotFound(..)), _) => Self::NotFound,
            (Some(CommandError::NotExecutable(..)), _) => Self::NotExecutable,
            (None, Some(WaitError::Certificates(_))) => Self::Usage,
            _ if error.is::<UsageError>() => Self::Usage,
            _ => Self::Failed,
        }
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status as u8)
    }
}

impl From<Verdict> for Status {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Reached => Self::Done,
            Verdict::Missed => Self::No,
            Verdict::TimedOut => Self::TimedOut,
            Verdict::ProcessEnded(_) => Self::Ended,
            Verdict::Failed(_) => Self::Fatal,
        }
    }
}

/// Arguments that clap cannot know to be wrong.
#[derive(Debug, thiserror::Error)]
#[error("{0} looks into HTTP answers, and no target is an HTTP URL")]
struct UsageError(&'static str);

const EXAMPLES: &str = "\
Examples:
  health-wait http://localhost:8000/health
  health-wait :5432 unix:/run/app.sock -- ./start-tests
  health-wait --expect-json '$.service=shop' http://localhost:8000/health
  health-wait --timeout 0 --pid \"$!\" http://localhost:8000/v1/models
  health-wait --down --timeout 10s :8000
";

fn after_help() -> String {
    format!("{EXAMPLES}\n{}", proc_tree::cli::args::statuses(Status::HELP))
}

/// Blocks until it is healthy: servers, sockets, files, processes, free ports.
#[derive(Debug, Parser)]
#[command(version, override_usage = "health-wait [OPTIONS] TARGET... [-- CMD...]", after_help = after_help())]
pub(crate) struct Cli {
    /// What to wait for: http://…, https://…, host:port, :port, tcp://host:port, unix:/path, http+unix:/path:/health,
    /// grpc://host:port[/service], grpcs://…, file:/path, pid:N, port-free:8000
    #[arg(value_name = "TARGET", required_unless_present = "generate")]
    targets: Vec<Target>,

    /// What to execute once it is healthy
    #[arg(last = true, value_name = "CMD")]
    command: Vec<OsString>,

    /// The first target will do, instead of all
    #[arg(long)]
    any: bool,

    /// The reverse: wait until it does not answer (where contents are expected: until no answer has them)
    #[arg(long)]
    down: bool,

    /// Ask once: status 0 or 1
    #[arg(long, conflicts_with = "consecutive")]
    once: bool,

    /// End with status 3 when this process ends
    #[arg(long, value_name = "PID", value_parser = selection::parse_pid)]
    pid: Option<u32>,

    /// How long to wait (0: for as long as it takes)
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration::parse, help_heading = "Timing")]
    timeout: Duration,

    #[command(flatten)]
    options: ProbeOptions,

    /// Print one JSON object per target
    #[arg(long, help_heading = "Output")]
    json: bool,

    #[command(flatten)]
    pub(crate) common: Common,
}

impl Cli {
    pub(crate) fn run(&self, out: &mut dyn Write) -> anyhow::Result<Status> {
        let started = Instant::now();
        if let Some(option) = self.options.needs_http().filter(|_| !self.targets.iter().any(Target::is_http)) {
            return Err(UsageError(option).into());
        }
        let report = match self.pid {
            Some(pid) => match open(pid).with_context(|| format!("cannot wait for process {pid}"))? {
                Some(process) => self.wait(started, Some(&process))?,
                None => Report::unasked(&self.targets, Verdict::ProcessEnded(pid)),
            },
            None => self.wait(started, None)?,
        };
        if self.json {
            report::json(&report.records, out).map_err(OutputError)?;
        }
        // of one attempt, the status alone may be wanted
        if !(self.common.quiet && report.verdict == Verdict::Missed) {
            for line in report::failure(&report, self.goal()) {
                let _ = writeln!(io::stderr(), "{}: {line}", crate::NAME);
            }
        }
        match (report.verdict, self.command.split_first()) {
            (Verdict::Reached, Some((program, arguments))) => Err(command::execute(program, arguments).into()),
            (verdict, _) => Ok(verdict.into()),
        }
    }

    fn wait(&self, started: Instant, process: Option<&Handle>) -> anyhow::Result<Report> {
        let wait = Wait {
            goal: self.goal(),
            quorum: if self.any { Quorum::Any } else { Quorum::All },
            once: self.once,
            deadline: Some(self.timeout)
                .filter(|timeout| !timeout.is_zero())
                .and_then(|timeout| started.checked_add(timeout)),
            process,
            ..Wait::new(&self.targets, &self.options)
        };
        let progress = Progress::new(&self.targets, self.goal(), self.common.color, self.timeout);
        // one attempt makes no progress that its outcome would not tell
        let silent = self.common.quiet || (self.once && !progress.is_redrawn());
        let progress = RefCell::new(progress.silenced(silent));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot wait")?;
        let report = runtime.block_on(async {
            let mut happened = |target, event: Event<'_>| progress.borrow_mut().happened(target, &event);
            tokio::select! {
                biased;
                report = wait.run(&mut happened) => report,
                never = draw(&progress) => match never {},
            }
        });
        progress.into_inner().clear();
        // a resolver that hangs must not keep the tool from ending
        runtime.shutdown_background();
        Ok(report?)
    }

    fn goal(&self) -> Goal {
        if self.down { Goal::Down } else { Goal::Up }
    }
}

/// Opens the process that has a PID now.
fn open(pid: u32) -> io::Result<Option<Handle>> {
    Identity::of(pid)?.map_or(Ok(None), Handle::open)
}

/// Redraws the progress for ever, and leaves the terminal clean when a signal ends the tool.
async fn draw(progress: &RefCell<Progress<'_>>) -> Infallible {
    if !progress.borrow().is_redrawn() {
        return pending().await;
    }
    let redrawn = async {
        loop {
            tokio::time::sleep(progress::FRAME).await;
            progress.borrow_mut().draw();
        }
    };
    tokio::select! {
        never = redrawn => never,
        Ok(deadly) = signals::deadly() => {
            progress.borrow_mut().clear();
            proc_tree::cli::signals::die_by(deadly);
            pending().await
        }
    }
}
