//! What a supervisor does next: an event in, an action out. Knows no clock but the times it is told.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use proc_tree::cli::duration;

use super::breaker::{Breaker, Decision};
use crate::{
    report::explanation::LOG_ENDS,
    server::end::End,
    service::{
        backoff::Limit,
        supervision::{RestartOn, Supervision},
    },
};

/// Statuses that say that the command cannot be executed, or is not there: a shell's own.
const NO_COMMAND: [i32; 2] = [126, 127];

/// What happened to the server, or to the supervisor while there was none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event {
    /// It ended; says how. It was ready for so long.
    Ended { end: End, how: String, healthy: Duration, log: LogEnd },
    /// It did not come up, hangs, or cannot be supervised; says how. It was ready for so long.
    Failed { how: String, healthy: Duration, log: LogEnd },
    /// Its program cannot be executed; says how.
    NotExecutable(String),
    /// Something of it cannot be stopped; says who.
    NotStopped(String),
    /// A file changed.
    Changed(PathBuf),
    /// Nobody needs it any more; says why.
    Unwanted(String),
    /// Nobody uses it; says since when.
    Unused(String),
    /// The pause before a start is over.
    PauseOver,
    /// The supervisor was asked to end.
    Asked,
}

/// What the log of a server that is over says last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct LogEnd {
    /// The last line that says something.
    pub(super) last: Option<String>,
    /// The last line that says that the server's address is in use.
    pub(super) address_in_use: Option<String>,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    /// Start the server.
    Start,
    /// Start it: this file changed.
    Reload(PathBuf),
    /// Pause for so long; says how the server ended.
    Pause(Duration, String),
    /// Give up until a file changes; says why.
    GiveUp(String),
    /// The server ended and is not started again: end, and say how.
    Finish(End, String),
    /// End; says why the server was stopped.
    Stop(String),
    /// End until somebody needs it; says why the server was stopped.
    Rest(String),
    /// End, and forget the server.
    End,
}

/// When a server is started again.
#[derive(Debug)]
pub(super) struct Policy {
    /// Whether it is started again at all.
    restarts: bool,
    restart_on: RestartOn,
    limit: Limit,
    breaker: Breaker,
}

impl Policy {
    pub(super) fn of(asked: &Supervision) -> Self {
        let &Supervision { restart_on, backoff, max_restarts, .. } = asked;
        Self {
            restarts: asked.restarts(),
            restart_on,
            limit: max_restarts,
            breaker: Breaker::new(backoff, max_restarts),
        }
    }

    /// Decides what follows an event.
    pub(super) fn next(&mut self, event: Event, now: Instant) -> Action {
        match event {
            Event::Asked => Action::End,
            Event::PauseOver => Action::Start,
            Event::Changed(path) => {
                self.breaker.forget();
                Action::Reload(path)
            }
            Event::Unwanted(why) => Action::Stop(why),
            Event::Unused(why) => Action::Rest(why),
            Event::NotExecutable(how) => Action::GiveUp(format!("it {how}")),
            Event::NotStopped(why) => Action::GiveUp(why),
            Event::Ended { end: end @ End::Exited(0), how, .. } if self.restart_on == RestartOn::Failure => {
                Action::Finish(end, how)
            }
            Event::Ended { end, how, log, .. } if !self.restarts => Action::Finish(end, log.added_to(how)),
            Event::Failed { how, log, .. } if !self.restarts => Action::Finish(End::Unknown, log.added_to(how)),
            Event::Ended { end, how, healthy, log } => self.after_end(end, how, healthy, &log, now),
            Event::Failed { how, healthy, log } => self.after_crash(log.added_to(how), healthy, now),
        }
    }

    /// What cannot be executed, and a port that is taken, stay so however often the server is started.
    fn after_end(&mut self, end: End, how: String, healthy: Duration, log: &LogEnd, now: Instant) -> Action {
        match (end, &log.address_in_use) {
            (End::Exited(status), _) if NO_COMMAND.contains(&status) => {
                Action::GiveUp(format!("it {}", log.added_to(how)))
            }
            (_, Some(line)) => Action::GiveUp(format!("it {how}: {line}")),
            (_, None) => self.after_crash(log.added_to(how), healthy, now),
        }
    }

    fn after_crash(&mut self, how: String, healthy: Duration, now: Instant) -> Action {
        match self.breaker.crashed(now, healthy) {
            Decision::Restart(pause) => Action::Pause(pause, how),
            Decision::Open => {
                let Limit { restarts, window } = self.limit;
                let crashes = if restarts == 0 { "1 crash".into() } else { format!("{} crashes", restarts + 1) };
                Action::GiveUp(format!("{crashes} within {}; it {how}", duration::uptime(window)))
            }
        }
    }
}

impl LogEnd {
    /// Adds the log's last line to how a server ended.
    fn added_to(&self, how: String) -> String {
        match &self.last {
            Some(line) if !how.contains(line) => format!("{how}{LOG_ENDS}{line}"),
            _ => how,
        }
    }
}

#[cfg(test)]
#[path = "next/tests.rs"]
mod tests;
