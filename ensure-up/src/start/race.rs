//! The race: everything that says "ready", all of it, against everything that says "it never will be".

use std::time::{Duration, Instant};

use proc_tree::Signal;
use tokio::{select, time};

use crate::{
    Port, ReadyError, ServerProcesses, ServerRecord, Service, StateFolder,
    event::{or_never, until},
    log::patterns::LogPatterns,
    server::{end::End, holding::Holding},
    signals::Signals,
    start::{
        notify::Notify,
        readiness::{Readiness, Round},
        waiting::{Observer, Waiting},
    },
};

/// How the race ended.
#[derive(Debug)]
pub(crate) enum RaceEnd {
    /// It is ours, it holds the port, and it is healthy.
    Ready(Vec<Holding>),
    /// It ended, before or after it held the port.
    Ended {
        /// How.
        end: End,
        /// Whether it held the port.
        held: bool,
        /// For how long it was waited for.
        after: Duration,
    },
    /// Its log, or its health, said that it failed.
    Failed(String),
    /// The deadline passed; says what was still missing, and who holds the port if it is somebody else.
    TooLate(String, Vec<Holding>),
    /// This tool was asked to end.
    Interrupted(Signal),
}

/// A server on its way up.
#[derive(Debug)]
pub(crate) struct Race<'r> {
    readiness: Readiness<'r>,
    deadline: Option<Instant>,
    waiting: Option<(Waiting, Observer<'r>)>,
}

/// As long as nobody has answered only the kernel is asked, often; the pause grows with the wait.
const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_millis(5);

/// A server that has answered and is not healthy yet is left in peace for so long, as health-wait does: most write a line
/// for each request, and their logs shall tell more than that.
const ANSWERED: Duration = Duration::from_millis(25);

/// A launcher whose daemon is ready may take so long to end: the daemon's is the PID that is told and watched then.
const LAUNCHER: Duration = Duration::from_millis(300);

impl<'r> Race<'r> {
    /// Prepares the wait for a server that is there and of which no process is known.
    pub(crate) fn new(
        service: &'r Service,
        state_folder: &'r StateFolder,
        port: Option<Port>,
        deadline: Option<Instant>,
    ) -> Self {
        Self { readiness: Readiness::of(service, state_folder, port), deadline, waiting: None }
    }

    /// Knows the server by its processes: their end is the race's.
    pub(crate) fn of(mut self, processes: Option<&'r mut ServerProcesses>) -> Self {
        self.readiness.processes = processes;
        self
    }

    /// Knows what is recorded of a server that was ready before.
    pub(crate) fn recorded(mut self, record: Option<&'r ServerRecord>) -> Self {
        self.readiness.record = record;
        self
    }

    /// Reads what the server says in its log, opened before it was started: by now it may have been rotated.
    pub(crate) fn reading(mut self, log: Option<LogPatterns>) -> Self {
        self.readiness.log = log;
        self
    }

    /// Waits until the server has said there that it is ready.
    pub(crate) fn notified(mut self, notify: Option<&'r Notify>) -> Self {
        self.readiness.notify = notify;
        self
    }

    /// The server was just started: whatever else looks like it is another one.
    pub(crate) fn just_started(mut self) -> Self {
        self.readiness.holders.were_there = false;
        self
    }

    /// Takes whatever holds the port, if that is asked for.
    pub(crate) fn taking_any(mut self, takes_any: bool) -> Self {
        self.readiness.holders.take_any = takes_any;
        self
    }

    /// Tells the observer of this wait, with the reason whenever that changes.
    pub(crate) fn told(mut self, waiting: Waiting, observer: Observer<'r>) -> Self {
        let pid = self.readiness.processes.as_ref().map(|processes| processes.identity().pid);
        let waiting = Waiting { pid: waiting.pid.or(pid), ..waiting };
        observer.tell(&waiting);
        self.waiting = Some((waiting, observer));
        self
    }

    fn tell(&mut self, reason: &str) {
        if let Some((waiting, observer)) =
            self.waiting.as_mut().filter(|(waiting, _)| waiting.reason.as_deref() != Some(reason))
        {
            waiting.reason = Some(reason.to_owned());
            observer.tell(waiting);
        }
    }

    /// Runs the race to its end.
    ///
    /// # Errors
    /// When the port, the processes or the health cannot be looked at.
    pub(crate) async fn run(mut self) -> Result<RaceEnd, ReadyError> {
        let (started, deadline) = (Instant::now(), self.deadline);
        let mut signals = Signals::catch().map_err(ReadyError::Watch)?;
        let mut missing = ("no answer".to_owned(), Vec::new());
        let mut is_awaited = false;
        loop {
            let round = select! {
                round = self.readiness.look() => round?,
                signal = signals.next() => return Ok(RaceEnd::Interrupted(signal)),
                () = until(deadline) => {
                    return Ok(RaceEnd::TooLate(self.readiness.answer().unwrap_or(missing.0), missing.1));
                }
            };
            missing = match round {
                Round::Ready(holdings) => match self.readiness.processes.as_deref() {
                    Some(launcher) if !is_awaited && launcher.may_be_launcher_of(&holdings) => {
                        is_awaited = true;
                        let _ = time::timeout(LAUNCHER, launcher.changed()).await;
                        continue;
                    }
                    _ => return Ok(RaceEnd::Ready(holdings)),
                },
                Round::Ended { end, held } => return Ok(RaceEnd::Ended { end, held, after: started.elapsed() }),
                Round::Failed(why) => return Ok(RaceEnd::Failed(why)),
                Round::Missing { what, foreign } => (what, foreign),
            };
            self.tell(&missing.0);
            if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                return Ok(RaceEnd::TooLate(missing.0, missing.1));
            }
            select! {
                () = self.pause(started) => {}
                () = or_never(self.readiness.processes.as_deref().map(ServerProcesses::changed)) => {}
                () = or_never(self.readiness.notify.filter(|notify| !notify.is_ready()).map(Notify::receive)) => {}
                signal = signals.next() => return Ok(RaceEnd::Interrupted(signal)),
                () = until(deadline) => {}
            }
        }
    }

    /// Pauses until the next look; with more to read that is only as long as others need to have their turn.
    async fn pause(&self, started: Instant) {
        if self.readiness.has_more_to_read() {
            return tokio::task::yield_now().await;
        }
        let silent = (started.elapsed() / 200).clamp(SHORTEST, LONGEST);
        let pause = if self.readiness.has_asked() { ANSWERED } else { silent };
        time::sleep(self.readiness.service.spec.probe.interval.unwrap_or(pause)).await;
    }
}
