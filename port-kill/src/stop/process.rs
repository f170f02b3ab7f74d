//! A process held open to be signalled, and continued where it was halted for that.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd},
};

use proc_tree::{Handle, RunState, Signal, Stat};

use super::guard::Permit;

/// What is meant to halt a process: it is not continued afterwards.
const HALTING: [Signal; 4] = [Signal::STOP, Signal::TSTP, Signal::TTIN, Signal::TTOU];

/// A process held open. What this call halted goes on when the value is dropped.
#[derive(Debug)]
pub(super) struct OpenProcess {
    handle: Handle,
    halt: Halt,
}

/// Whether a process is halted, and by whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Halt {
    No,
    /// It was when it was opened, or the signal that was asked for halts it.
    Theirs,
    Ours,
}

impl OpenProcess {
    /// Opens a process; `None` when it has ended.
    pub(super) fn open(stat: &Stat) -> io::Result<Option<Self>> {
        let halt = if stat.state == RunState::Stopped { Halt::Theirs } else { Halt::No };
        Ok(Handle::open(stat.identity())?.map(|handle| Self { handle, halt }))
    }

    pub(super) fn is_halted(&self) -> bool {
        self.halt != Halt::No
    }

    /// Halts it, so that it forks no more. One that may not be signalled runs on.
    pub(super) fn halt(&mut self, permit: &Permit) {
        if self.halt == Halt::No && permit.is_for(&self.handle) && self.handle.signal(Signal::STOP).unwrap_or(false) {
            self.halt = Halt::Ours;
        }
    }

    /// Sends a signal; `false` when it has ended already.
    pub(super) fn signal(&mut self, permit: &Permit, signal: Signal) -> io::Result<bool> {
        if !permit.is_for(&self.handle) {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let is_sent = self.handle.signal(signal)?;
        if HALTING.contains(&signal) {
            self.halt = Halt::Theirs;
        }
        Ok(is_sent)
    }

    /// Lets it run again, whoever halted it, to act on the signal that it was sent. One that is about to stand still does
    /// not show it yet: all are continued, which means nothing to one that runs.
    pub(super) fn resume_after(&mut self, signal: Signal) {
        if !HALTING.contains(&signal) {
            self.go_on();
        }
    }

    fn go_on(&mut self) {
        self.halt = Halt::No;
        // a failure cannot be mended here; the wait tells what came of it
        let _ = self.handle.signal(Signal::CONT);
    }
}

impl Drop for OpenProcess {
    fn drop(&mut self) {
        if self.halt == Halt::Ours {
            self.go_on();
        }
    }
}

impl AsFd for OpenProcess {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }
}
