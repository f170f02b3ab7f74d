//! One server as it is now.

use std::{path::PathBuf, time::Duration};

use proc_tree::{Identity, cli::text, usage::memory::Measure};
use serde::Serialize;

use crate::{
    Phase, Port, ServerRecord,
    report::explanation::TRY_AGAIN,
    server::part::{self, Part},
};

/// What state a server is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It runs and was ready once.
    Running,
    /// It runs and has not been ready yet, or is about to be started again.
    Starting,
    /// It does not run.
    Stopped,
    /// Its supervisor gave up.
    Broken,
    /// It was stopped because nobody used it; the next call starts it.
    Idle,
    /// It does not run, and another program holds its port.
    Foreign,
}

impl State {
    /// Decides from what its record says, if there is one, and from what is there.
    pub(super) fn of(phase: Phase, runs: bool, is_supervised: bool, is_held: bool) -> Self {
        match phase {
            Phase::Ready if runs => Self::Running,
            _ if runs => Self::Starting,
            Phase::Broken => Self::Broken,
            Phase::Idle if !is_held => Self::Idle,
            _ if is_supervised => Self::Starting,
            _ if is_held => Self::Foreign,
            _ => Self::Stopped,
        }
    }

    /// Returns the word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Starting => "starting",
            Self::Stopped => "stopped",
            Self::Broken => "broken",
            Self::Idle => "idle",
            Self::Foreign => "foreign",
        }
    }
}

/// One server.
#[derive(Debug, Clone)]
pub struct ServerStatus {
    /// Its name.
    pub name: String,
    /// The folder of its service.
    pub folder: Option<PathBuf>,
    /// Its command.
    pub command: Option<Vec<String>>,
    /// Its port; `None` for one without.
    pub port: Option<Port>,
    /// Its state.
    pub state: State,
    /// Its process, if it runs.
    pub identity: Option<Identity>,
    /// Whether it answers as it should.
    pub healthy: bool,
    /// How often it was started again after it had ended, or hung.
    pub restarts: u32,
    /// How often it was started again because a file had changed.
    pub reloads: u32,
    /// For how long it has run.
    pub uptime: Option<Duration>,
    /// The CPU that its tree uses, 100 for one core.
    pub cpu_percent: Option<f64>,
    /// The memory of its tree in bytes, and what that measures.
    pub memory: Option<(u64, Measure)>,
    /// Where it answers.
    pub url: Option<String>,
    /// Its log.
    pub log: Option<PathBuf>,
    /// What there is to say: why it is broken or not healthy, how it ended.
    pub reason: Option<String>,
    /// In what it is not as its services file has it.
    pub differs: Vec<Part>,
    /// What it left behind: who that is, and the names.
    pub left: Vec<(Identity, String)>,
}

impl ServerStatus {
    /// Says what a record says; what there is of it is still to be seen.
    pub(super) fn of(record: &ServerRecord) -> Self {
        Self {
            folder: Some(record.service.folder.clone()),
            command: Some(record.command.clone()),
            healthy: record.is_done(),
            restarts: record.restarts,
            reloads: record.reloads,
            log: record.log.clone(),
            reason: record.reason.clone(),
            ..Self::named(record.name.clone(), record.port)
        }
    }

    /// Says that nothing is known of a port.
    pub(super) fn unknown(port: Port) -> Self {
        Self::named(port.to_string(), Some(port))
    }

    fn named(name: String, port: Option<Port>) -> Self {
        Self {
            name,
            folder: None,
            command: None,
            port,
            state: State::Stopped,
            identity: None,
            healthy: false,
            restarts: 0,
            reloads: 0,
            uptime: None,
            cpu_percent: None,
            memory: None,
            url: None,
            log: None,
            reason: None,
            differs: Vec::new(),
            left: Vec::new(),
        }
    }

    /// Says what there is to say of it: in what it is not as asked, or else why it is as it is, and what helps; then what it
    /// left behind.
    pub(crate) fn remark(&self) -> Option<String> {
        let said = match self.state {
            _ if !self.differs.is_empty() => Some(format!("not as asked: {}", part::words(&self.differs))),
            State::Broken => self.reason.as_ref().map(|reason| format!("{reason}; {TRY_AGAIN}")),
            _ => self.reason.clone(),
        };
        let all: Vec<String> = said.into_iter().chain(self.leftovers()).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }

    fn leftovers(&self) -> Option<String> {
        const NAMED: usize = 3;
        let mut all: Vec<String> =
            self.left.iter().take(NAMED).map(|(one, name)| format!("{} ({one})", text::escape(name))).collect();
        all.extend((self.left.len() > NAMED).then(|| format!("{} more", self.left.len() - NAMED)));
        (!all.is_empty()).then(|| format!("left behind: {}", all.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_counts_most_then_a_supervisor_that_has_not_given_up_then_the_port() {
        // what is seen: whether it runs, whether it is supervised, whether the port is held
        let seen = [0b000, 0b001, 0b010, 0b011, 0b100, 0b101, 0b110, 0b111];
        for (phase, expected) in [
            (Phase::Starting, "stopped foreign starting starting starting starting starting starting"),
            (Phase::Ready, "stopped foreign starting starting running running running running"),
            (Phase::Waiting, "stopped foreign starting starting starting starting starting starting"),
            (Phase::Broken, "broken broken broken broken starting starting starting starting"),
            (Phase::Finished, "stopped foreign starting starting starting starting starting starting"),
            (Phase::Idle, "idle foreign idle starting starting starting starting starting"),
            (Phase::Failed, "stopped foreign starting starting starting starting starting starting"),
            (Phase::Stopped, "stopped foreign starting starting starting starting starting starting"),
        ] {
            let state = |seen| State::of(phase, seen & 4 != 0, seen & 2 != 0, seen & 1 != 0).word();
            assert_eq!(seen.map(state).join(" "), expected, "{phase:?}");
        }
    }
}
