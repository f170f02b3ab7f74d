//! A supervisor: what it holds, and what it says in its server's log and record.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use proc_tree::cli::text;
use tokio::signal::unix;

use super::{
    held::Held,
    idle::Asked,
    interruptions::Interruptions,
    next::{Event, LogEnd, Policy},
    passing::Offer,
    said::{MARK, say},
};
use crate::{
    Doing, Failure, Lock, Port, ServerRecord, Service, StateFolder, Waiting,
    event::or_never,
    log::{last, pump::Pump},
    server::end::End,
};

/// A line in a record has at most so many characters.
const LONGEST: usize = 200;

/// A server under supervision.
#[derive(Debug)]
pub(super) struct Supervisor<'s> {
    pub(super) service: &'s Service,
    pub(super) port: Option<Port>,
    pub(super) state_folder: &'s StateFolder,
    /// Held for life: that it lives is known by it, and what it waits for.
    pub(super) lock: Lock,
    pub(super) log: PathBuf,
    pub(super) record: ServerRecord,
    pub(super) output: Arc<Pump>,
    pub(super) interruptions: Interruptions,
    /// Says that a child has ended, among them the orphans that came here.
    pub(super) children: unix::Signal,
    pub(super) policy: Policy,
    /// Why it was started again last.
    pub(super) restarted: Option<String>,
    /// When to write the record again that is only in memory: it could not be written.
    pub(super) unwritten: Option<Instant>,
    /// The socket that is held for the server.
    pub(super) held: Option<Arc<Held>>,
    /// Who of the user asks for that is given it.
    pub(super) offer: Option<Offer>,
    /// How often the server was asked for its health.
    pub(super) asked: Asked,
}

/// A record that could not be written is tried again after so long, whatever is looked at meanwhile.
const RETRY: Duration = Duration::from_secs(5);

impl Supervisor<'_> {
    /// Describes what it does about its server, for whoever waits for it.
    pub(super) fn waiting(&self, doing: Doing, reason: Option<String>) -> Waiting {
        Waiting { reason, ..Waiting::of(doing, self.record.name.clone()) }
    }

    /// Writes the record. One that cannot be written stays in memory until it can: a disk that is full is no reason to be
    /// without a server.
    pub(super) fn write(&mut self) {
        let written = self.record.write(self.state_folder);
        let again = written.is_err().then(|| Instant::now() + RETRY);
        let was_unwritten = std::mem::replace(&mut self.unwritten, again).is_some();
        match written.map_err(Failure::state("write a record in", &self.state_folder.path)) {
            Err(failure) if !was_unwritten => self.say(&text::failure(&failure)),
            Ok(()) if was_unwritten => self.say("the record is written again"),
            _ => {}
        }
    }

    /// Says something in the server's log.
    pub(super) fn say(&self, line: &str) {
        say(&self.output, line);
    }

    /// Tells that the server ended, after it was ready for so long; says how.
    pub(super) fn ended(&self, end: End, how: String, healthy: Duration) -> Event {
        Event::Ended { end, how, healthy, log: self.log_end() }
    }

    /// Tells that the server failed, after it was ready for so long.
    pub(super) fn failed(&self, how: String, healthy: Duration) -> Event {
        Event::Failed { how, healthy, log: self.log_end() }
    }

    /// Reads what the log says last. What an earlier server said is over: it stands before the last thing that was said
    /// here.
    pub(super) fn log_end(&self) -> LogEnd {
        self.output.flush();
        let lines = last::lines(&self.log, last::SHOWN);
        let since = lines.iter().rposition(|line| line.starts_with(MARK)).map_or(0, |last| last + 1);
        let lines = lines[since..].iter().map(|line| line.trim()).filter(|line| !line.is_empty());
        let lines: Vec<String> = lines.map(|line| line.chars().take(LONGEST).collect()).collect();
        let is_in_use = |line: &&String| {
            let line = line.to_lowercase();
            line.contains("address already in use") || line.contains("eaddrinuse")
        };
        LogEnd { address_in_use: lines.iter().rfind(is_in_use).cloned(), last: lines.into_iter().next_back() }
    }
}

/// Waits until a record that could not be written is to be tried again; one that is written is none.
pub(super) async fn retried(unwritten: Option<Instant>) {
    or_never(unwritten.map(|at| tokio::time::sleep_until(at.into()))).await;
}
