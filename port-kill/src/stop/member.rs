//! One process that is being stopped.

use std::{
    thread,
    time::{Duration, Instant},
};

use proc_tree::{Identity, Signal, Stat, cli::text, process};

use super::{guard::Guard, lineage::leads, process::OpenProcess, program::suspends_itself, stopped::Stopped};
use crate::outcome::{Outcome, Role};

/// How long a halted process may take to stand still: a system call that cannot be interrupted goes on for a while.
const STANDSTILL: Duration = Duration::from_millis(100);

/// One process, from before the signal to its end.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) stopped: Stopped,
    /// Open as long as there is something to do or to wait for.
    pub(super) process: Option<OpenProcess>,
    /// It is waited for; somebody else stops it.
    pub(super) watched: bool,
    /// It was seen to stand still since it was halted, or was waited for long enough.
    stands: bool,
    /// It leads a process group or a session, which its descendants may still be in when they have lost their parents.
    pub(super) leads: bool,
    /// It is a descendant that was born lately: where there is one, there may be more in a moment.
    pub(super) is_young: bool,
    /// It, or the parent of one that was asked for, stops itself when its child is halted, and nobody continues it.
    pub(super) suspends: bool,
    pub(super) parent: u32,
    /// Its parent and so on, for a process that was asked for: one of them takes its orphans over.
    pub(super) ancestors: Vec<u32>,
    signalled_at: Option<Instant>,
}

impl Member {
    /// Opens a process, unless it must not be signalled; `stays` where it may be held open until it ends.
    pub(super) fn open(stat: &Stat, root: Identity, role: Role, guard: &Guard, stays: bool) -> Self {
        let mut member = Self::new(Stopped::begin(stat.identity(), root, role));
        match guard.refusal(stat.identity()) {
            Some(reason) => member.settle(Outcome::Refused, Some(reason.to_owned())),
            None => member.take(stat, stays),
        }
        member.stopped.name = stat.whole_name();
        member.leads = leads(stat);
        member.parent = stat.parent;
        member.is_young = role == Role::Descendant && guard.is_young(stat);
        member.suspends = suspends_itself(&stat.name);
        member
    }

    /// Notes what is above a process that was asked for, its parent first.
    pub(super) fn stands_below(&mut self, ancestors: &[Stat]) {
        self.suspends |= ancestors.first().is_some_and(|parent| suspends_itself(&parent.name));
        self.ancestors = ancestors.iter().map(|ancestor| ancestor.pid).collect();
    }

    /// Names a process that is not there any more.
    pub(super) fn gone(identity: Identity) -> Self {
        let mut member = Self::new(Stopped::begin(identity, identity, Role::Holder));
        member.settle(Outcome::Gone, Some("it had ended".into()));
        member
    }

    fn new(stopped: Stopped) -> Self {
        Self {
            stopped,
            process: None,
            watched: false,
            stands: false,
            leads: false,
            is_young: false,
            suspends: false,
            parent: 0,
            ancestors: Vec::new(),
            signalled_at: None,
        }
    }

    fn take(&mut self, stat: &Stat, stays: bool) {
        match OpenProcess::open(stat, stays) {
            Ok(Some(process)) => self.process = Some(process),
            Ok(None) => self.settle(Outcome::Gone, Some("it had ended".into())),
            Err(error) => self.settle(Outcome::Denied, Some(text::os_error(&error))),
        }
    }

    /// Ends the work on it with this outcome.
    fn settle(&mut self, outcome: Outcome, reason: Option<String>) {
        self.process = None;
        self.stopped.outcome = outcome;
        self.stopped.reason = reason;
        self.stopped.elapsed = self.signalled_at.map(|since| since.elapsed());
    }

    /// Tells whether it is still there as far as is known.
    pub(super) fn is_open(&self) -> bool {
        self.process.is_some()
    }

    /// Tells whether it is still there as far as is known, and was not signalled yet.
    pub(super) fn is_fresh(&self) -> bool {
        self.is_open() && self.stopped.signal.is_none() && !self.watched
    }

    /// Tells whether it was sent SIGTERM and may not have taken notice. A supervisor takes a second one for impatience.
    pub(super) fn may_have_lost_it(&self) -> bool {
        self.is_open() && self.stopped.signal == Some(Signal::TERM) && self.stopped.role != Role::Supervisor
    }

    /// Tells whether its end can be waited for.
    pub(super) fn is_held(&self) -> bool {
        self.process.as_ref().is_some_and(|process| process.descriptor().is_some())
    }

    /// Holds it open from now on, where that is possible.
    pub(super) fn hold(&mut self) {
        if self.process.as_mut().is_some_and(|process| process.hold().is_ok_and(|is_there| !is_there)) {
            self.ended();
        }
    }

    /// Looks whether one that is not held open has ended.
    pub(super) fn look(&mut self) {
        if self.is_open() && !self.is_held() && self.stopped.identity.is_running().is_ok_and(|runs| !runs) {
            self.ended();
        }
    }

    pub(super) fn is_halted(&self) -> bool {
        self.process.as_ref().is_some_and(OpenProcess::is_halted)
    }

    /// Tells whether it would be signalled without having been halted.
    pub(super) fn is_fresh_job(&self) -> bool {
        self.is_fresh() && self.leads && !self.is_halted()
    }

    /// Asks the guard before anything is done to it; one that must not be signalled is settled.
    pub(super) fn check(&mut self, guard: &mut Guard) {
        if let Some(withheld) = guard.permit(self.stopped.identity).err().filter(|_| self.is_open()) {
            self.settle(withheld.outcome, Some(withheld.reason));
        }
    }

    /// Halts it, so that it forks no more. One that may not be signalled is left to [`Member::send`].
    pub(super) fn halt(&mut self, guard: &mut Guard) {
        if self.is_halted() {
            return;
        }
        self.stands = false;
        if let Some(process) = &mut self.process
            && let Ok(permit) = guard.permit(self.stopped.identity)
        {
            process.halt(&permit);
        }
    }

    /// Waits until it stands still where it was halted. No event tells that of a process that is not a child.
    pub(super) fn await_standstill(&mut self) {
        let deadline = Instant::now() + STANDSTILL;
        let identity = self.stopped.identity;
        let is_moving = |stat: Stat| !stat.state.is_halted() && !stat.state.is_over();
        while self.is_halted()
            && !self.stands
            && Instant::now() < deadline
            && process::stat_of(identity).is_ok_and(|stat| stat.is_some_and(is_moving))
        {
            thread::sleep(Duration::from_micros(100));
        }
        self.stands = self.is_halted();
    }

    /// Lets it run again, to act on its signal.
    pub(super) fn resume_after(&mut self, signal: Signal) {
        if let Some(process) = &mut self.process {
            process.resume_after(signal);
        }
    }

    /// Sends it a signal.
    pub(super) fn send(&mut self, guard: &mut Guard, signal: Signal) {
        let Some(process) = &mut self.process else { return };
        let sent = match guard.permit(self.stopped.identity) {
            Ok(permit) => process.signal(&permit, signal),
            Err(withheld) => return self.settle(withheld.outcome, Some(withheld.reason)),
        };
        match sent {
            Ok(true) => {
                self.signalled_at.get_or_insert_with(Instant::now);
                let before = self.stopped.signal.replace(signal);
                self.stopped.unanswered = before.filter(|before| *before != signal);
                self.watched = false;
            }
            Ok(false) if self.stopped.signal.is_some() => self.ended(),
            Ok(false) => self.settle(Outcome::Gone, Some("it had ended".into())),
            Err(error) => self.settle(Outcome::Denied, Some(text::os_error(&error))),
        }
    }

    /// Notes that it has ended.
    pub(super) fn ended(&mut self) {
        let outcome = match self.stopped.signal {
            Some(Signal::KILL) => Outcome::Killed,
            _ => Outcome::Terminated,
        };
        let reason = self.stopped.signal.is_none().then(|| "its supervisor stopped it".to_owned());
        self.settle(outcome, reason);
    }

    /// Gives up on it: it lives on.
    pub(super) fn survives(&mut self, reason: &str) {
        if self.is_open() {
            self.settle(Outcome::Survived, Some(reason.to_owned()));
        }
    }
}
