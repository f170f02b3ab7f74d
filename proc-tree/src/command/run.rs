//! Running a command: what its tree used from its start to its end.

use std::{
    ffi::OsString,
    io::{self, Write},
    os::{fd::AsFd, unix::process::ExitStatusExt},
    process::{Child, Command, ExitStatus},
    time::{Duration, Instant, SystemTime},
};

use anyhow::Context;
use nix::sys::{
    resource::{UsageWho, getrusage},
    time::{TimeVal, TimeValLike},
};
use proc_tree::{
    Handle, Identity, RunState, Signal, TreeRecord,
    cli::{
        execution::CannotExecute,
        signals::{Event, Signals},
        status::Exit,
    },
    handle, process,
    report::Format,
    roots::Root,
};
use rustix::io::Errno;

use super::{
    observer::{Observer, UNREADABLE},
    output::Output,
    status::Status,
};

/// What is passed on to the command. The terminal's keys reach it without our help.
const FORWARDED: [Signal; 6] = [Signal::INT, Signal::TERM, Signal::QUIT, Signal::HUP, Signal::USR1, Signal::USR2];

/// How long a tree that is over its limit has between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(5);

/// The first sample after the start; each later one after twice the time, up to the interval: a short command has
/// peaks too.
const SOON: Duration = Duration::from_millis(2);

/// How often to look, and how to report.
pub(crate) struct Plan<'o> {
    pub(crate) interval: Duration,
    /// How often to report while the command runs.
    pub(crate) watch: Option<Duration>,
    pub(crate) output: Output,
    pub(crate) out: &'o mut dyn Write,
    /// Whether nothing was reported yet.
    pub(crate) untouched: bool,
}

/// A command that runs.
pub(crate) struct Run {
    child: Owned,
    /// None where it has ended already.
    handle: Option<Handle>,
    started: Instant,
    root: Root,
    signals: Signals,
}

/// A child that is stopped where nobody is left to wait for it: it must not outlive a failure of ours.
struct Owned(Child);

impl Drop for Owned {
    fn drop(&mut self) {
        if !matches!(self.0.try_wait(), Ok(None)) {
            return;
        }
        // not waited for: the PID is still the child's
        if let Ok(Some(identity)) = Identity::of(self.0.id())
            && let Ok(Some(handle)) = Handle::open(identity)
            && handle.signal(Signal::TERM).is_ok()
        {
            let _ = handle::outliving(vec![handle], Instant::now() + GRACE);
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Run {
    /// Starts the command on our own streams.
    pub(crate) fn start(words: &[OsString]) -> anyhow::Result<Self> {
        let (program, arguments) = words.split_first().context("no command was given")?;
        // first, so that a signal that comes right now is not ours to die by while the command lives
        let signals = Signals::catch(&FORWARDED).context("cannot catch signals")?;
        let started = Instant::now();
        let spawned = Command::new(program).args(arguments).spawn();
        let child = spawned.map_err(|error| match Errno::from_io_error(&error) {
            // no fault of the command's
            Some(Errno::AGAIN | Errno::NOMEM | Errno::MFILE | Errno::NFILE) => {
                anyhow::Error::new(error).context("cannot start a process")
            }
            _ => CannotExecute::of(program, error).into(),
        })?;
        let child = Owned(child);
        // it is there: nobody has waited for it yet
        let stat = process::stat(child.0.id()).and_then(|stat| stat.ok_or_else(|| io::ErrorKind::NotFound.into()));
        let mut root = Root::new(&stat.context(UNREADABLE)?);
        if root.command.as_ref().is_none_or(Vec::is_empty) {
            root.command = Some(words.iter().map(|word| word.to_string_lossy().into_owned()).collect());
        }
        let handle = Handle::open(root.identity).context("cannot watch the command")?;
        Ok(Self { child, handle, started, root, signals })
    }

    /// Returns the root of the command's tree.
    pub(crate) fn root(&self) -> Root {
        self.root.clone()
    }

    /// Samples until the command ends, reports, and ends as it did.
    pub(crate) fn observe(mut self, mut observer: Observer, mut plan: Plan<'_>) -> anyhow::Result<Exit> {
        // that the command ends is how every run ends
        observer.names_the_gone = false;
        let mut last = TreeRecord::unknown(&self.root);
        let over = self.sample(&mut observer, &mut plan, &mut last);
        // also where there is nothing more to sample or nowhere to report to, the command goes on and takes signals
        while !self.has_ended_by(None)? {}
        let status = self.child.0.wait().context("cannot wait for the command")?;
        last = self.summed_up(last, left_behind(&mut observer));
        observer.sum_up(&last);
        let written = if plan.output.is_said() { plan.write(plan.output.format, &last) } else { Ok(()) };
        observer.say_notes();
        observer.finish()?;
        written?;
        Ok(if over? { Status::No.into() } else { exit(status) })
    }

    /// Tells whether a limit was exceeded.
    fn sample(&self, observer: &mut Observer, plan: &mut Plan<'_>, last: &mut TreeRecord) -> anyhow::Result<bool> {
        let (mut pause, mut shown) = (Duration::ZERO, Instant::now());
        while !self.has_ended_by(Some(observer.sampler.since() + pause))? {
            let settled = pause >= settle(plan.interval);
            pause = (pause * 2).clamp(SOON, plan.interval.max(SOON));
            let Some(record) = observer.sample()?.into_iter().next() else { continue };
            *last = record;
            if plan.watch.is_some_and(|interval| shown.elapsed() >= interval) {
                shown = Instant::now();
                if plan.output.is_said() {
                    plan.show(last)?;
                }
            }
            if observer.is_over(std::slice::from_ref(last), settled)? {
                stop(observer)?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Passes signals on until then; tells whether the command has ended.
    fn has_ended_by(&self, deadline: Option<Instant>) -> anyhow::Result<bool> {
        let Some(handle) = &self.handle else { return Ok(true) };
        loop {
            match self.signals.wait(Some(handle.as_fd()), deadline).context("cannot watch the command")? {
                Event::Ended => return Ok(true),
                Event::Deadline => return Ok(false),
                Event::Signal(caught) if caught.sent => {
                    // one that has ended meanwhile needs no signal
                    let _ = handle.signal(caught.signal);
                }
                Event::Signal(_) => {}
            }
        }
    }

    /// Widens the last sample to the whole run. What was waited for is known exactly, down to the last of them; what was not
    /// is known as far as it was seen.
    fn summed_up(&self, last: TreeRecord, left_behind: Option<f64>) -> TreeRecord {
        let elapsed = self.started.elapsed();
        let mut record = last;
        let waited_for =
            getrusage(UsageWho::RUSAGE_CHILDREN).ok().map(|used| seconds(used.user_time() + used.system_time()));
        let seconds = waited_for.zip(left_behind).map(|(one, other)| one + other);
        // what ended just before the command did, and was waited for by nobody, was seen by the last sample alone
        let seconds = seconds.map(|seconds| record.figures.cpu_seconds.map_or(seconds, |seen| seen.max(seconds)));
        let percent = seconds.map(|seconds| seconds / elapsed.as_secs_f64() * 100.0);
        record.figures.cpu_seconds = seconds;
        record.figures.cpu_percent = percent;
        // a peak below the mean was missed between two samples
        record.peak_cpu_percent = [record.peak_cpu_percent, percent].into_iter().flatten().reduce(f64::max);
        (record.state, record.uptime) = (Some(RunState::Dead), Some(elapsed));
        record.interval_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        record.sampled_at = SystemTime::now();
        record
    }
}

/// Tells how much CPU is known of what the command left behind, which nobody waited for: what lives on, and what has ended.
fn left_behind(observer: &mut Observer) -> Option<f64> {
    let living = observer.sampler.sample().ok()?;
    let living = living.iter().map(|record| record.figures.cpu_seconds).sum::<Option<f64>>();
    Some(living? + observer.sampler.orphaned_cpu().as_secs_f64())
}

/// Returns the least time over which CPU counts: what was reaped is told in steps of 10 ms.
pub(crate) fn settle(interval: Duration) -> Duration {
    interval.min(Duration::from_millis(50))
}

impl Plan<'_> {
    fn show(&mut self, record: &TreeRecord) -> anyhow::Result<()> {
        match self.output.format {
            Format::Summary | Format::Table(_) => self.write(Format::Lines, record),
            format => self.write(format, record),
        }
    }

    fn write(&mut self, format: Format, record: &TreeRecord) -> anyhow::Result<()> {
        let first = std::mem::replace(&mut self.untouched, false);
        self.output.write_as(format, std::slice::from_ref(record), first, self.out)
    }
}

fn seconds(time: TimeVal) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "microseconds of CPU fit a float for centuries")]
    let microseconds = time.num_microseconds() as f64;
    microseconds / 1e6
}

/// The command ends by itself; the tree that is over its limit is asked to, then made to.
fn stop(observer: &mut Observer) -> anyhow::Result<()> {
    for signal in [Signal::TERM, Signal::KILL] {
        observer.sampler.sample().context(UNREADABLE)?;
        let members: Vec<Identity> = observer.sampler.members().collect();
        for &member in &members {
            if let Ok(Some(handle)) = Handle::open(member) {
                let _ = handle.signal(signal);
            }
        }
        let deadline = Instant::now() + GRACE;
        // not all at once: descriptors are limited
        for some in members.chunks(256) {
            let handles: Vec<Handle> = some.iter().filter_map(|&member| Handle::open(member).ok().flatten()).collect();
            handle::outliving(handles, deadline).context("cannot wait for the tree to end")?;
        }
    }
    Ok(())
}

fn exit(status: ExitStatus) -> Exit {
    let signal = status.signal().and_then(Signal::from_number);
    match (status.code(), signal) {
        (Some(code), _) => Exit::Code(u8::try_from(code).unwrap_or(u8::MAX)),
        (None, Some(signal)) => Exit::Signal(signal),
        // a real-time signal, which has no name
        (None, None) => Exit::Code(u8::try_from(128 + status.signal().unwrap_or(0)).unwrap_or(u8::MAX)),
    }
}
