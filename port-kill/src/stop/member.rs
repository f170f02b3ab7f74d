//! One process that is being stopped.

use std::{
    thread,
    time::{Duration, Instant},
};

use proc_tree::Signal;
use proc_tree::{Facts, Handle, Identity, Stat, cli::text, process, tree};

use super::Stopped;
use crate::{Outcome, Role};

/// How long a halted process may take to stand still: a system call that cannot be interrupted goes on for a while.
const STANDSTILL: Duration = Duration::from_millis(100);

/// One process, from before the signal to its end.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) stopped: Stopped,
    /// Open as long as there is something to do or to wait for.
    pub(super) handle: Option<Handle>,
    /// It is waited for; somebody else stops it.
    pub(super) watched: bool,
    /// It was halted by SIGSTOP: by us, or by somebody before.
    pub(super) halted: bool,
    /// It was seen to stand still since, or was waited for long enough.
    stands: bool,
    /// It leads a process group or a session, which its descendants may still be in when they have lost their parents.
    pub(super) leads: bool,
    pub(super) parent: u32,
    /// Its parent and so on, for a process that was asked for: one of them takes its orphans over.
    pub(super) ancestors: Vec<u32>,
    signalled_at: Option<Instant>,
}

impl Member {
    /// Opens a process.
    pub(super) fn open(stat: &Stat, root: Identity, role: Role) -> Self {
        let mut member = Self::of(stat.identity(), root, role);
        match Handle::open(stat.identity()) {
            Ok(Some(handle)) => member.handle = Some(handle),
            Ok(None) => member.settle(Outcome::Gone, Some("it had ended".into())),
            Err(error) => member.settle(Outcome::Denied, Some(text::os_error(&error))),
        }
        member.describe(stat);
        member.halted = stat.state == 'T';
        member
    }

    /// Names a process that must not be signalled.
    pub(super) fn refused(stat: &Stat, root: Identity, role: Role, reason: &str) -> Self {
        let mut member = Self::of(stat.identity(), root, role);
        member.settle(Outcome::Refused, Some(reason.to_owned()));
        member.describe(stat);
        member
    }

    fn describe(&mut self, stat: &Stat) {
        self.stopped.name = Facts::from_stat(stat.clone()).name;
        self.leads = stat.group == stat.pid || stat.session == stat.pid;
        self.parent = stat.parent;
        if self.stopped.role != Role::Descendant {
            let ancestors = tree::ancestors(stat).unwrap_or_default();
            self.ancestors = ancestors.iter().map(|ancestor| ancestor.pid).collect();
        }
    }

    /// Names a process that is not (any more) there to be opened.
    pub(super) fn of(identity: Identity, root: Identity, role: Role) -> Self {
        let stopped = Stopped {
            identity,
            root,
            name: String::new(),
            role,
            outcome: Outcome::Survived,
            signal: None,
            ignored: None,
            elapsed: None,
            reason: None,
        };
        Self {
            stopped,
            handle: None,
            watched: false,
            halted: false,
            stands: false,
            leads: false,
            parent: 0,
            ancestors: Vec::new(),
            signalled_at: None,
        }
    }

    /// Ends the work on it with this outcome.
    pub(super) fn settle(&mut self, outcome: Outcome, reason: Option<String>) {
        self.handle = None;
        self.stopped.outcome = outcome;
        self.stopped.reason = reason;
        self.stopped.elapsed = self.signalled_at.map(|since| since.elapsed());
    }

    /// Tells whether it is still there as far as is known, and was not signalled yet.
    pub(super) fn is_fresh(&self) -> bool {
        self.handle.is_some() && self.stopped.signal.is_none() && !self.watched
    }

    /// Tells whether it would be signalled without having been halted.
    pub(super) fn is_fresh_job(&self) -> bool {
        self.is_fresh() && self.leads && !self.halted
    }

    /// Halts it, so that it forks no more. One that may not be signalled is left to [`Member::send`].
    pub(super) fn halt(&mut self) {
        if let Some(handle) = &self.handle
            && !self.halted
        {
            self.halted = handle.signal(Signal::STOP).unwrap_or(false);
            self.stands = false;
        }
    }

    /// Waits until it stands still where it was halted. No event tells that of a process that is not a child.
    pub(super) fn await_standstill(&mut self) {
        let deadline = Instant::now() + STANDSTILL;
        let identity = self.stopped.identity;
        let is_moving = |stat: Stat| stat.identity() == identity && !matches!(stat.state, 'T' | 't' | 'Z' | 'X');
        while self.halted
            && !self.stands
            && Instant::now() < deadline
            && process::stat(identity.pid).is_ok_and(|stat| stat.is_some_and(is_moving))
        {
            thread::sleep(Duration::from_micros(100));
        }
        self.stands = self.halted;
    }

    /// Lets it run again, to act on its signal; one that was meant to halt it stays as it is.
    pub(super) fn resume_after(&mut self, signal: Signal) {
        const HALTING: [Signal; 4] = [Signal::STOP, Signal::TSTP, Signal::TTIN, Signal::TTOU];
        if let Some(handle) = &self.handle
            && !HALTING.contains(&signal)
            && std::mem::take(&mut self.halted)
        {
            // a failure cannot be mended here; the wait tells what came of it
            let _ = handle.signal(Signal::CONT);
        }
    }

    /// Sends it a signal.
    pub(super) fn send(&mut self, signal: Signal) {
        let Some(handle) = &self.handle else { return };
        match handle.signal(signal) {
            Ok(true) => {
                self.signalled_at.get_or_insert_with(Instant::now);
                self.stopped.ignored = self.stopped.signal.replace(signal);
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
        self.settle(Outcome::Survived, Some(reason.to_owned()));
    }
}
