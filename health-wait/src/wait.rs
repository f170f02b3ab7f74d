//! Waiting for several targets at once, up to a deadline, for as long as a process lives.

use std::{
    cell::RefCell,
    future::pending,
    io,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use proc_tree::Handle;
use tokio::time;

mod attempts;

use crate::{
    options::ProbeOptions,
    probe::{
        Probe,
        inputs::{Inputs, InvalidInput},
        process::ended,
    },
    report::{Report, TargetRecord},
    schedule::{Schedule, until},
    target::Target,
    target_state::TargetState,
    verdict::{Goal, Quorum, Rules, Seen, TargetVerdict, Verdict, judge},
};

/// How long after the deadline the attempts may take to say how they ended.
const MOMENT: Duration = Duration::from_millis(5);

/// A wait to be.
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
    Reached(&'a TargetRecord),
}

/// A wait that could not be done.
#[derive(Debug, thiserror::Error)]
pub enum WaitError {
    /// A file that the options name cannot be used.
    #[error(transparent)]
    Input(#[from] InvalidInput),
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
    /// When the wait cannot begin: a file of the options that cannot be read, a process that cannot be watched.
    pub async fn run(&self, happened: &mut dyn FnMut(usize, Event<'_>)) -> Result<Report, WaitError> {
        let schedule = Schedule::new(self.options, time::Instant::now(), self.deadline.map(time::Instant::from_std));
        let inputs = Inputs::read(self.options)?;
        let probes: Vec<_> = self.targets.iter().map(|target| Probe::new(target, self.options, &inputs)).collect();
        let states = self.targets.iter().zip(&probes).map(|(target, probe)| {
            TargetState::new(target.clone(), self.rules(target), !attempts::needs_lookup(probe))
        });
        let mut states: Vec<_> = states.collect();
        let mut verdicts = vec![None; probes.len()];
        let verdict = self.race(&schedule, &probes, &mut states, &mut verdicts, happened).await?;
        let waited = schedule.waited(time::Instant::now());
        let is_pending = |&target: &usize| verdicts[target] != Some(TargetVerdict::Reached);
        let pending: Vec<usize> = (0..verdicts.len()).filter(is_pending).collect();
        for &target in &pending {
            states[target].record(waited);
        }
        // "I cannot see" is not "it is not healthy"
        let unable = pending.iter().copied().find(|&target| states[target].is_unable());
        let verdict = match (verdict, unable) {
            (Verdict::Missed | Verdict::TimedOut, Some(target)) => Verdict::Unable(target),
            (verdict, _) => verdict,
        };
        let records = states.into_iter().map(TargetState::into_record).collect();
        Ok(Report { verdict, records, pending, waited })
    }

    /// Only an HTTP answer has contents that can be another server's.
    fn rules(&self, target: &Target) -> Rules {
        let contents = target.is_http() && self.options.expectations().are_of_contents();
        let &ProbeOptions { consecutive, stable, .. } = self.options;
        Rules { goal: self.goal, once: self.once, consecutive, stable, contents }
    }

    /// Asks all targets at once, until the clock, the process or their verdicts end it.
    async fn race(
        &self,
        schedule: &Schedule,
        probes: &[Probe<'_>],
        states: &mut [TargetState],
        verdicts: &mut [Option<TargetVerdict>],
        happened: &mut dyn FnMut(usize, Event<'_>),
    ) -> Result<Verdict, WaitError> {
        let happened = &RefCell::new(happened);
        let mut waits: FuturesUnordered<_> = probes
            .iter()
            .zip(states)
            .enumerate()
            .map(|(index, (probe, state))| async move {
                let mut changed = |reason: &str| (happened.borrow_mut())(index, Event::Changed(reason));
                let rules = self.rules(&self.targets[index]);
                let verdict = attempts::until_verdict(probe, rules, schedule, state, &mut changed).await;
                if verdict == TargetVerdict::Reached {
                    let waited = schedule.waited(time::Instant::now());
                    (happened.borrow_mut())(index, Event::Reached(state.record(waited)));
                }
                (index, verdict)
            })
            .collect();
        let deadline = schedule.deadline().and_then(|deadline| deadline.checked_add(MOMENT));
        let (mut process_ended, mut is_too_late) = (None, false);
        loop {
            let seen = Seen { quorum: self.quorum, targets: verdicts, process_ended, is_too_late };
            if let Some(verdict) = judge(&seen) {
                return Ok(verdict);
            }
            tokio::select! {
                biased;
                ended = self.process_ended() => process_ended = Some(ended?),
                Some((index, verdict)) = waits.next() => {
                    verdicts[index] = Some(verdict);
                    // whoever answers now is not the process that was waited for
                    let process = self.process.filter(|process| process.has_ended().unwrap_or(false));
                    process_ended = process.map(|process| process.identity().pid);
                }
                () = until(deadline) => is_too_late = true,
            }
        }
    }

    async fn process_ended(&self) -> Result<u32, WaitError> {
        let Some(process) = self.process else { return pending().await };
        let pid = process.identity().pid;
        ended(process).await.map(|()| pid).map_err(|error| WaitError::Process(pid, error))
    }
}
