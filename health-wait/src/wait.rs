//! Waiting for several targets at once, up to a deadline, for as long as a process lives.

use std::{
    future::pending,
    io,
    os::fd::AsFd,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use proc_tree::Handle;
use tokio::{
    io::{Interest, unix::AsyncFd},
    time::{self, sleep_until},
};

use crate::{
    options::ProbeOptions,
    plan::Plan,
    probe::Probe,
    record::Record,
    standing::milliseconds,
    target::Target,
    tls::InvalidCertificates,
    watch::{End, watch},
};

/// How long after the deadline the attempts may take to say how they ended.
const MOMENT: Duration = Duration::from_millis(5);

/// What is waited for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Goal {
    /// That the target is healthy.
    #[default]
    Up,
    /// That the target does not answer.
    Down,
}

/// How many of the targets must be as awaited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Quorum {
    /// Every one, each at some time.
    #[default]
    All,
    /// The first one.
    Any,
}

/// A wait to be.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// # runtime.block_on(async {
/// use health_wait::{ProbeOptions, Target, Verdict, Wait};
///
/// let server = std::net::TcpListener::bind("127.0.0.1:0")?;
/// let targets = [Target::port(server.local_addr()?.port())];
/// let options = ProbeOptions::default();
/// let report = Wait::new(&targets, &options).run(&mut |_, _| {}).await?;
/// assert_eq!(report.verdict, Verdict::Reached);
/// assert!(report.records[0].healthy);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Wait<'a> {
    /// What to ask.
    pub targets: &'a [Target],
    /// How to ask, and what to expect.
    pub options: &'a ProbeOptions,
    /// What to wait for.
    pub goal: Goal,
    /// How many of the targets must be as awaited.
    pub quorum: Quorum,
    /// Whether to ask each target only once.
    pub once: bool,
    /// When to give up.
    pub deadline: Option<Instant>,
    /// The process whose end ends the wait.
    pub process: Option<&'a Handle>,
}

/// What happens while waiting.
#[derive(Debug)]
pub enum Event<'a> {
    /// There is another reason now why the target is not as awaited.
    Changed(&'a str),
    /// The target is as awaited.
    Reached(&'a Record),
}

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The targets are as awaited.
    Reached,
    /// The targets were asked once and are not.
    Missed,
    /// The deadline passed.
    TimedOut,
    /// The process with this PID has ended, or there was none.
    ProcessEnded(u32),
    /// The target at this position answered what can only mean failure.
    Failed(usize),
}

/// What a wait found.
#[derive(Debug, Clone)]
pub struct Report {
    /// How it ended.
    pub verdict: Verdict,
    /// The record of each target, in their order.
    pub records: Vec<Record>,
    /// The positions of the targets that are not as awaited.
    pub pending: Vec<usize>,
    /// How long it took.
    pub waited: Duration,
}

impl Report {
    /// Makes the report of a wait that ended before it began.
    pub fn unasked(targets: &[Target], verdict: Verdict) -> Self {
        let records = targets.iter().cloned().map(Record::new).collect();
        Self { verdict, records, pending: (0..targets.len()).collect(), waited: Duration::ZERO }
    }
}

/// A wait that could not be done.
#[derive(Debug, thiserror::Error)]
pub enum WaitError {
    /// The certificates to trust cannot be used.
    #[error(transparent)]
    Certificates(#[from] InvalidCertificates),
    /// The process cannot be watched.
    #[error("cannot wait for process {0}")]
    Process(u32, #[source] io::Error),
}

impl<'a> Wait<'a> {
    /// Makes a wait for all targets to be healthy, however long it takes.
    pub fn new(targets: &'a [Target], options: &'a ProbeOptions) -> Self {
        let (goal, quorum) = (Goal::default(), Quorum::default());
        Self { targets, options, goal, quorum, once: false, deadline: None, process: None }
    }

    /// Waits. Tells `happened` what happens to which target, by its position.
    ///
    /// Needs a tokio runtime with I/O and time, on the thread that polls. May be dropped at any time: all connections
    /// end with it. Names are looked up on the runtime's blocking threads, which can hang for as long as the system's
    /// resolver does: end the runtime with [`shutdown_background`](tokio::runtime::Runtime::shutdown_background).
    ///
    /// # Errors
    /// When the wait cannot begin: certificates that cannot be read, a process that cannot be watched.
    pub async fn run(&self, happened: &mut dyn FnMut(usize, Event<'_>)) -> Result<Report, WaitError> {
        let started = time::Instant::now();
        let plan = Plan {
            options: self.options,
            goal: self.goal,
            once: self.once,
            started,
            deadline: self.deadline.map(time::Instant::from_std),
        };
        let probes = self.targets.iter().map(|target| Probe::new(target, self.options));
        let probes = probes.collect::<Result<Vec<_>, _>>()?;
        let mut records: Vec<_> = self.targets.iter().cloned().map(Record::new).collect();
        let mut pending: Vec<usize> = (0..records.len()).collect();
        let mut happened = |target, event: Event<'_>| {
            if matches!(event, Event::Reached(_)) {
                pending.retain(|&one| one != target);
            }
            happened(target, event);
        };
        let verdict = self.race(&plan, &probes, &mut records, &mut happened).await?;
        let waited = started.elapsed();
        for &target in &pending {
            records[target].waited_ms = milliseconds(waited);
        }
        Ok(Report { verdict, records, pending, waited })
    }

    async fn race(
        &self,
        plan: &Plan<'_>,
        probes: &[Probe<'_>],
        records: &mut [Record],
        happened: &mut dyn FnMut(usize, Event<'_>),
    ) -> Result<Verdict, WaitError> {
        let watches = self.watch_all(plan, probes, records, happened);
        tokio::select! {
            biased;
            ended = self.process_ended() => ended,
            verdict = watches => Ok(match self.process {
                // whoever answers now is not the process that was waited for
                Some(process) if verdict == Verdict::Reached && process.has_ended().unwrap_or(false) => {
                    Verdict::ProcessEnded(process.identity().pid)
                }
                _ => verdict,
            }),
            () = passed(plan.deadline) => Ok(Verdict::TimedOut),
        }
    }

    async fn process_ended(&self) -> Result<Verdict, WaitError> {
        let Some(process) = self.process else { return pending().await };
        let pid = process.identity().pid;
        match ended(process).await {
            Ok(()) => Ok(Verdict::ProcessEnded(pid)),
            Err(error) => Err(WaitError::Process(pid, error)),
        }
    }

    async fn watch_all(
        &self,
        plan: &Plan<'_>,
        probes: &[Probe<'_>],
        records: &mut [Record],
        happened: &mut dyn FnMut(usize, Event<'_>),
    ) -> Verdict {
        let happened = std::cell::RefCell::new(happened);
        let mut watches: FuturesUnordered<_> = probes
            .iter()
            .zip(records)
            .enumerate()
            .map(|(index, (probe, record))| {
                let happened = &happened;
                async move {
                    let mut changed = |text: &str| (happened.borrow_mut())(index, Event::Changed(text));
                    let end = watch(probe, plan, record, &mut changed).await;
                    if end == End::Reached {
                        record.waited_ms = milliseconds(plan.started.elapsed());
                        (happened.borrow_mut())(index, Event::Reached(record));
                    }
                    (index, end)
                }
            })
            .collect();
        let mut verdict = Verdict::Reached;
        while let Some((index, end)) = watches.next().await {
            match (end, self.quorum) {
                (End::Failed, _) => return Verdict::Failed(index),
                (End::Reached, Quorum::Any) => return Verdict::Reached,
                (End::Reached, Quorum::All) => {}
                (End::Missed, _) => verdict = Verdict::Missed,
            }
        }
        verdict
    }
}

/// Waits for the end of a process. May be dropped at any time.
///
/// # Errors
/// When the process cannot be watched.
pub async fn ended(process: &Handle) -> io::Result<()> {
    // SAFETY: the descriptor is borrowed from a handle that outlives this future, so it stays open and the same.
    let descriptor = unsafe { AsyncFd::register_with_interest(process.as_fd(), Interest::READABLE) };
    descriptor.map_err(|error| error.into_parts().1)?.readable().await.map(|_| ())
}

/// Waits until the deadline has passed, and a moment longer: the attempts end with it, and are to say how.
async fn passed(deadline: Option<time::Instant>) {
    match deadline.and_then(|deadline| deadline.checked_add(MOMENT)) {
        Some(end) => sleep_until(end).await,
        None => pending().await,
    }
}
