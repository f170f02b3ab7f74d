//! A process held open to be signalled, and continued where it was halted for that.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd},
    thread,
    time::{Duration, Instant},
};

use proc_tree::{Handle, Identity, RunState, Signal, Stat, handle};
use rustix::io::Errno;

use super::guard::Permit;

/// How long to wait for a descriptor when a process is to go on.
const PATIENCE: Duration = Duration::from_millis(100);

/// A process to be signalled. What this call halted goes on when the value is dropped.
#[derive(Debug)]
pub(super) struct OpenProcess {
    identity: Identity,
    /// `None` where there are more processes than descriptors: then it is opened for each signal anew.
    handle: Option<Handle>,
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
    /// Opens a process, to stay open where that is wanted and a descriptor is left; `None` when it has ended.
    pub(super) fn open(stat: &Stat, stays: bool) -> io::Result<Option<Self>> {
        let halt = if stat.state == RunState::Stopped { Halt::Theirs } else { Halt::No };
        let identity = stat.identity();
        let handle = match if stays { Handle::open(identity) } else { Ok(None) } {
            Err(error) if !is_out_of_descriptors(&error) => return Err(error),
            Ok(None) if stays || !identity.is_running()? => return Ok(None),
            handle => handle.unwrap_or(None),
        };
        Ok(Some(Self { identity, handle, halt }))
    }

    /// Holds it open from now on; `false` when it has ended.
    pub(super) fn hold(&mut self) -> io::Result<bool> {
        if self.handle.is_none() {
            self.handle = Handle::open(self.identity)?;
        }
        Ok(self.handle.is_some())
    }

    /// Returns what becomes readable when it ends; `None` where it is not held open.
    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.handle.as_ref().map(AsFd::as_fd)
    }

    pub(super) fn is_halted(&self) -> bool {
        self.halt != Halt::No
    }

    /// Halts it, so that it forks no more. One that may not be signalled runs on.
    pub(super) fn halt(&mut self, permit: &Permit) {
        if self.halt == Halt::No && permit.is_for(self.identity) && self.send(Signal::STOP).unwrap_or(false) {
            self.halt = Halt::Ours;
        }
    }

    /// Sends a signal; `false` when it has ended already.
    pub(super) fn signal(&mut self, permit: &Permit, signal: Signal) -> io::Result<bool> {
        if !permit.is_for(self.identity) {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let is_sent = self.send(signal)?;
        if signal.halts() {
            self.halt = Halt::Theirs;
        }
        Ok(is_sent)
    }

    fn send(&self, signal: Signal) -> io::Result<bool> {
        match &self.handle {
            Some(handle) => handle.signal(signal),
            None => handle::signal(self.identity, signal),
        }
    }

    /// Lets it run again, whoever halted it, to act on the signal that it was sent. One that is about to stand still does
    /// not show it yet: all are continued, which means nothing to one that runs.
    pub(super) fn resume_after(&mut self, signal: Signal) {
        if !signal.halts() {
            self.go_on();
        }
    }

    /// Somebody may have taken the last descriptor: it is waited for, since nobody else lets the process go on.
    fn go_on(&mut self) {
        self.halt = Halt::No;
        let deadline = Instant::now() + PATIENCE;
        // another failure cannot be mended here; the wait tells what came of it
        while self.send(Signal::CONT).is_err_and(|error| is_out_of_descriptors(&error)) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for OpenProcess {
    fn drop(&mut self) {
        if self.halt == Halt::Ours {
            self.go_on();
        }
    }
}

/// EMFILE or ENFILE.
fn is_out_of_descriptors(error: &io::Error) -> bool {
    let number = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(number, Some(Errno::MFILE | Errno::NFILE))
}
