//! A supervisor without a server: the pause before the next one, the open breaker, and what it says of the last one before it
//! ends.

use std::time::{Duration, SystemTime};

use proc_tree::cli::duration;
use tokio::{select, time};

use super::{
    memory,
    next::Event,
    state::{Supervisor, retried},
};
use crate::{Doing, Failure, Phase, server::end::End, start::clock::now};

impl Supervisor<'_> {
    /// Pauses before a start; a change ends the pause.
    pub(super) async fn pause(&mut self, pause: Duration, how: String) -> Event {
        self.say(&format!("it {how}; starting again in {}", duration::elapsed(pause)));
        self.restarted = Some(how.clone());
        self.record.reason = Some(how);
        if pause.is_zero() {
            return Event::PauseOver;
        }
        // before the record: whoever waits for that reads this then
        let due = Doing::Restarting(SystemTime::now() + pause);
        self.lock.say(Some(&self.waiting(due, self.record.reason.clone())));
        self.record.phase = Phase::Waiting;
        self.output.flush();
        self.write();
        select! {
            event = self.interruptions.next() => event,
            () = time::sleep(pause) => Event::PauseOver,
        }
    }

    /// The breaker is open. A file that changes closes it; without files to watch there is nothing to stay for, once that is
    /// recorded.
    pub(super) async fn give_up(&mut self, why: &str) -> Result<Event, Failure> {
        self.say(&format!("giving up: {why}"));
        let reason = format!("given up at {}: {why}", now());
        self.record.reason = Some(reason.clone());
        self.record.phase = Phase::Broken;
        // whoever connects is refused, and does not wait for a server that does not come
        self.held = None;
        // its log is shown to whoever waits for the record
        self.output.flush();
        self.write();
        memory::give_back();
        loop {
            if self.interruptions.changes.is_none() && self.unwritten.is_none() {
                return Err(Failure::Broken { name: self.record.name.clone(), reason, log: None });
            }
            select! {
                event = self.interruptions.next() => return Ok(event),
                () = retried(self.unwritten) => self.write(),
            }
        }
    }

    /// A server that ended as it should, or that is not kept up, is not started again.
    pub(super) fn finish(&mut self, end: End, how: &str) {
        self.say(&format!("it {how}"));
        self.output.flush();
        self.record = self.record.finished(end, how);
        self.write();
    }

    /// A server that was stopped because nobody needs it is remembered with the reason.
    pub(super) fn rest(&mut self, phase: Phase, why: String) {
        self.say(&format!("stopped: {why}"));
        self.output.flush();
        self.record.phase = phase;
        self.record.supervisor = None;
        self.record.is_being_stopped = false;
        self.record.reason = Some(why);
        self.write();
    }

    pub(super) fn forget(&self) -> Result<(), Failure> {
        self.record.stopped(self.state_folder).map_err(Failure::state("write a record in", &self.state_folder.path))
    }
}
