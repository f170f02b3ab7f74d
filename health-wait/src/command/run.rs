//! The wait that the arguments ask for, with its progress told to a person.

use std::{
    cell::RefCell,
    future::pending,
    io::{self, Write},
    time::Instant,
};

use anyhow::Context;
use health_wait::{Event, Quorum, Report, Target, Verdict, Wait, block_on};
use proc_tree::{
    Handle, Identity, Signal,
    cli::{
        args::{Common, OutputError},
        completion::Candidate,
        json_lines,
        line::Line,
        manual::Manual,
        slip::Dictionary,
        status::{Exit, UsageError},
        tool::Tool,
    },
};

use super::{
    arguments::Arguments,
    execute::execute,
    interrupt,
    manual::MANUAL,
    progress::{self, Progress},
    report, slip,
    status::Status,
};

impl Tool for Arguments {
    const NAME: &'static str = "health-wait";

    const MANUAL: &'static Manual = &MANUAL;

    fn candidates(value: &str) -> Vec<Candidate> {
        port_who::candidates(value)
    }

    fn common(&self) -> &Common {
        &self.common
    }

    fn run(self, out: &mut dyn Write) -> anyhow::Result<Exit> {
        run(&self, out)
    }

    const FOREIGN: Dictionary = slip::FOREIGN;

    fn respell(operand: &str) -> Option<String> {
        Target::respelled(operand)
    }

    fn slip(line: &Line<'_>) -> Option<UsageError> {
        slip::of(line)
    }

    fn status(error: &anyhow::Error) -> u8 {
        Status::of_failure(error) as u8
    }
}

/// Waits, writes what was found, and executes the command that was waiting.
fn run(arguments: &Arguments, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let started = Instant::now();
    let sees_http = arguments.targets.iter().any(Target::is_http);
    if let Some(option) = arguments.options.needs_http().filter(|_| !sees_http) {
        let what = format!("{option} looks into HTTP answers, and no target is an HTTP URL");
        return Err(UsageError::new(what).into());
    }
    let found = match arguments.pid {
        Some(pid) => match open(pid).with_context(|| format!("cannot wait for process {pid}"))? {
            Some(process) => wait(arguments, started, Some(&process))?,
            None => Ok(Report::unasked(&arguments.targets, Verdict::ProcessEnded(pid))),
        },
        None => wait(arguments, started, None)?,
    };
    match found {
        Ok(report) => finish(arguments, &report, out),
        Err(signal) => Ok(Exit::Signal(signal)),
    }
}

fn finish(arguments: &Arguments, report: &Report, out: &mut dyn Write) -> anyhow::Result<Exit> {
    if arguments.json {
        json_lines::write(&report.records, out).map_err(OutputError)?;
    }
    // of one attempt, the status alone may be wanted
    if !(arguments.common.quiet && report.verdict == Verdict::Missed) {
        for line in report::failure(report, arguments.goal()) {
            let _ = writeln!(io::stderr(), "{}: {line}", Arguments::NAME);
        }
    }
    match (report.verdict, arguments.command.split_first()) {
        (Verdict::Reached, Some((program, words))) => Err(execute(program, words).into()),
        (verdict, _) => Ok(Status::from(verdict).into()),
    }
}

/// Opens the process that has a PID now.
fn open(pid: u32) -> io::Result<Option<Handle>> {
    Identity::of(pid)?.map_or(Ok(None), Handle::open)
}

/// Waits, until it is over or a signal ends the tool.
fn wait(arguments: &Arguments, started: Instant, process: Option<&Handle>) -> anyhow::Result<Result<Report, Signal>> {
    let wait = Wait {
        goal: arguments.goal(),
        quorum: if arguments.any { Quorum::Any } else { Quorum::All },
        once: arguments.once,
        deadline: arguments.timeout().and_then(|timeout| started.checked_add(timeout)),
        process,
        ..Wait::new(&arguments.targets, &arguments.options)
    };
    let progress = RefCell::new(Progress::of(arguments));
    let mut happened = |target, event: Event<'_>| progress.borrow_mut().happened(target, &event);
    let found = block_on(async {
        tokio::select! {
            biased;
            report = wait.run(&mut happened) => report.map(Ok),
            signal = interrupted(arguments, &progress) => Ok(Err(signal)),
        }
    });
    Ok(found.context("cannot wait")??)
}

/// Redraws the progress until a signal ends the tool; where there is nothing to wipe and nothing to end, signals are left
/// to do what they do.
async fn interrupted(arguments: &Arguments, progress: &RefCell<Progress<'_>>) -> Signal {
    let is_redrawn = progress.borrow().is_redrawn();
    if !is_redrawn && !arguments.targets.iter().any(Target::is_command) {
        return pending().await;
    }
    let redrawn = async {
        if !is_redrawn {
            pending::<()>().await;
        }
        loop {
            tokio::time::sleep(progress::FRAME).await;
            progress.borrow_mut().draw();
        }
    };
    tokio::select! {
        never = redrawn => never,
        Ok(signal) = interrupt::next() => signal,
    }
}
