//! Stopping a server whole: its tree and its session, with the library of port-kill. Whatever is left is an error.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd},
    time::{Duration, Instant},
};

use port_kill::{Awaited, Observer, Outcome, StopOptions, Stopped};
use proc_tree::{
    Identity, Signal,
    cli::{duration, signals, text},
};

use crate::{
    Failure, ServerProcesses, ServerRecord, Service,
    signals::ENDING,
    stop::{interrupt::Interrupt, wrapper},
};

/// How many processes are named before the others are counted.
const NAMED: usize = 3;

/// How a server is stopped.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    /// What is sent first; `None` for what suits the program.
    pub signal: Option<Signal>,
    /// How long it may take before SIGKILL.
    pub grace: Duration,
}

impl Manner {
    /// Stops as the service asks for.
    pub fn of(service: &Service) -> Self {
        Self { signal: service.spec.stop_signal, grace: service.spec.grace }
    }

    /// Stops as was asked for when the server was started.
    pub(crate) fn recorded(record: &ServerRecord) -> Self {
        Self { signal: record.stop_signal.as_deref().and_then(|name| name.parse().ok()), grace: record.grace() }
    }
}

/// Who did not end within the grace and was killed, in words: a stop that left nothing may still have something to tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use = "a grace that was waited out is told"]
pub struct Killed {
    /// A line for each stop that had to kill.
    pub lines: Vec<String>,
}

impl Killed {
    /// Returns both together.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.lines.extend(other.lines);
        self
    }

    fn of(stopped: &[Stopped], grace: Duration) -> Self {
        let is_late = |one: &&Stopped| one.outcome == Outcome::Killed && one.unanswered.is_some();
        let late: Vec<&Stopped> = stopped.iter().filter(is_late).collect();
        if late.is_empty() || grace.is_zero() {
            return Self::default();
        }
        let unanswered = late[0].unanswered.map_or_else(String::new, |signal| {
            format!("{signal} {}, ", if signal.halts() { "ends no process" } else { "ignored" })
        });
        Self { lines: vec![format!("{unanswered}SIGKILL after {}: {}", duration::elapsed(grace), named(&late))] }
    }
}

/// Stops a server and all that is found of it, and these processes, which are its too.
///
/// Where not all of it can be found, what is known of it is stopped; where that cannot be opened, its process group is
/// killed.
///
/// # Errors
/// When something of it is left, with who that is.
pub(crate) fn stop(processes: &ServerProcesses, more: &[Identity], manner: Manner) -> Result<Killed, Failure> {
    let mut whole = processes.whole().unwrap_or_else(|_| processes.roots().to_vec());
    whole.extend(more.iter().filter(|one| !processes.roots().contains(one)));
    whole.dedup();
    let stopped = run(&whole, manner, None, None).inspect_err(|_| processes.kill_group());
    judge(stopped, manner)
}

/// Stops these processes and all that descends from them or is of their sessions.
///
/// # Errors
/// As [`stop`].
pub(crate) fn stop_trees(roots: &[Identity], manner: Manner) -> Result<Killed, Failure> {
    judge(run(roots, manner, None, None), manner)
}

/// How a stop is waited for.
#[expect(missing_debug_implementations, reason = "an observer is a function")]
pub enum Wait<'w> {
    /// To its end, whatever asks this process to end meanwhile: what this call started is not left behind.
    Whole,
    /// Somebody asked for it and may ask to end it: a signal to this process does. The observer is told who is waited for.
    OnRequest(Option<&'w mut Observer<'w>>),
    /// Beside others, which are asked to end together.
    Beside(&'w Interrupt, &'w mut Observer<'w>),
}

/// Does the same, waited for in this way.
///
/// # Errors
/// As [`stop`], and [`Failure::Interrupted`].
pub(crate) fn stop_and_wait(roots: &[Identity], manner: Manner, wait: Wait<'_>) -> Result<Killed, Failure> {
    let observer = match wait {
        Wait::Whole => return stop_trees(roots, manner),
        Wait::Beside(interrupt, observer) => {
            let stopped = run(roots, manner, Some(observer), Some(interrupt.as_fd()));
            return interrupt
                .caught()
                .map_or_else(|| judge(stopped, manner), |signal| Err(Failure::Interrupted(signal)));
        }
        Wait::OnRequest(observer) => observer,
    };
    let failed = || Failure::system("catch signals");
    let signals = signals::Signals::catch(&ENDING).map_err(failed())?;
    let stopped = run(roots, manner, observer, Some(signals.as_fd()));
    match signals.wait(None, Some(Instant::now())).map_err(failed())? {
        signals::Event::Signal(caught) => Err(Failure::Interrupted(caught.signal)),
        signals::Event::Deadline | signals::Event::Ended => judge(stopped, manner),
    }
}

/// Whatever asks this process to end meanwhile, nobody stays halted: the signal is caught.
fn run(
    roots: &[Identity],
    manner: Manner,
    mut observer: Option<&mut Observer<'_>>,
    interrupt: Option<BorrowedFd<'_>>,
) -> io::Result<Vec<Stopped>> {
    let _signals = signals::Signals::catch(&ENDING)?;
    let mut observe = |awaited: &Awaited<'_>| {
        if let Some(observer) = &mut observer {
            observer(awaited);
        }
    };
    let Manner { signal, grace } = manner;
    let options = StopOptions { signal, grace, tree: true, session: true, ..StopOptions::default() };
    let wrapped = wrapper::wrapped(roots);
    if wrapped.is_empty() {
        return port_kill::stop_observed(roots, &options, Some(&mut observe), interrupt);
    }
    let inner = port_kill::stop_observed(&wrapped.servers, &options, Some(&mut observe), interrupt)?;
    wrapped.await_end()?;
    let outer = port_kill::stop_observed(roots, &options, Some(&mut observe), interrupt)?;
    // what of the inner ones is left is met again in the second round
    Ok(inner.into_iter().filter(is_over).chain(outer).collect())
}

/// Makes it a failure that something is left.
pub(crate) fn judge(stopped: io::Result<Vec<Stopped>>, manner: Manner) -> Result<Killed, Failure> {
    let stopped = stopped.map_err(Failure::system("stop the server"))?;
    let left: Vec<&Stopped> = stopped.iter().filter(|one| !is_over(one)).collect();
    if left.is_empty() { Ok(Killed::of(&stopped, manner.grace)) } else { Err(Failure::Left(named(&left))) }
}

fn is_over(one: &Stopped) -> bool {
    matches!(one.outcome, Outcome::Terminated | Outcome::Killed | Outcome::Gone)
}

/// Names processes, with what there is to say of the first: `python3 (4711): operation not permitted, sh (4712) and 7 others`.
fn named(those: &[&Stopped]) -> String {
    let name = |one: &&Stopped| {
        let reason = one.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
        format!("{} ({}){reason}", text::escape(&one.name), one.identity)
    };
    let shown: Vec<String> = those.iter().take(NAMED).map(name).collect();
    match those.len().saturating_sub(NAMED) {
        0 => shown.join(", "),
        1 => format!("{} and 1 other", shown.join(", ")),
        more => format!("{} and {more} others", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use port_kill::Role;

    fn one(pid: u32, outcome: Outcome, unanswered: Option<Signal>, reason: Option<&str>) -> Stopped {
        let identity = Identity { pid, start_id: 1 };
        Stopped {
            identity,
            root: identity,
            name: "srv".into(),
            role: Role::Holder,
            outcome,
            signal: Some(Signal::KILL),
            unanswered,
            elapsed: None,
            reason: reason.map(Into::into),
        }
    }

    #[test]
    fn what_is_left_is_a_failure_and_who_was_killed_after_the_grace_is_told() {
        let manner = |ms| Manner { signal: None, grace: Duration::from_millis(ms) };
        let term = Some(Signal::TERM);
        let killed = |pid| one(pid, Outcome::Killed, term, None);
        let denied = |pid| one(pid, Outcome::Denied, None, Some("no"));
        for (stopped, grace, expected) in [
            (vec![], 5000, Ok(vec![])),
            (vec![one(1, Outcome::Terminated, None, None), one(2, Outcome::Gone, None, None)], 5000, Ok(vec![])),
            (vec![killed(1)], 5000, Ok(vec!["SIGTERM ignored, SIGKILL after 5.00 s: srv (1)"])),
            (vec![killed(1)], 0, Ok(vec![])),
            // it joined when the others had been killed
            (vec![one(1, Outcome::Killed, None, None)], 5000, Ok(vec![])),
            (
                (1..=5).map(killed).collect(),
                200,
                Ok(vec!["SIGTERM ignored, SIGKILL after 0.20 s: srv (1), srv (2), srv (3) and 2 others"]),
            ),
            (vec![killed(1), denied(2)], 5000, Err("cannot stop srv (2): no")),
            (vec![one(3, Outcome::Survived, term, Some("still alive"))], 5000, Err("cannot stop srv (3): still alive")),
            (vec![one(3, Outcome::Refused, None, None)], 5000, Err("cannot stop srv (3)")),
        ] {
            let judged = judge(Ok(stopped), manner(grace)).map(|killed| killed.lines);
            let expected = expected.map(|lines| lines.into_iter().map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(judged.map_err(|failure| failure.to_string()), expected.map_err(str::to_owned));
        }
    }
}
