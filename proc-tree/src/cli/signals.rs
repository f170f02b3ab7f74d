//! Signals, turned into events that a loop can wait for beside the clock and the end of a process.

use std::{
    ffi::c_int,
    io,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    sync::atomic::{AtomicI32, Ordering},
    time::Instant,
};

use nix::{
    libc::{c_void, siginfo_t},
    sys::{
        resource::{Resource, getrlimit, setrlimit},
        signal::{SaFlags, SigAction, SigHandler, SigSet, SigmaskHow, Signal, raise, sigaction, sigprocmask},
    },
};
use rustix::io::ioctl_fionbio;

use crate::handle;

/// The signals that are caught become readable here.
#[derive(Debug)]
pub struct Signals(OwnedFd);

/// A signal that was caught.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caught {
    /// Which one.
    pub signal: Signal,
    /// Whether a process sent it. The kernel sends those of the terminal's keys, to the whole foreground group.
    pub sent: bool,
}

/// What ended a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The deadline passed.
    Deadline,
    /// A signal came.
    Signal(Caught),
    /// The awaited descriptor is readable: of a [`crate::Handle`], that its process has ended.
    Ended,
}

/// The end of the pipe that the handler writes to.
static PIPE: AtomicI32 = AtomicI32::new(-1);

impl Signals {
    /// Catches these signals from now on, but for those that this process was started to ignore, as nohup(1) and a
    /// shell's background jobs do. Once per process.
    ///
    /// # Errors
    /// When there is no descriptor left for a pipe.
    pub fn catch(signals: &[Signal]) -> io::Result<Self> {
        let (source, sink) = io::pipe()?;
        let (source, sink) = (OwnedFd::from(source), OwnedFd::from(sink));
        ioctl_fionbio(&source, true)?;
        ioctl_fionbio(&sink, true)?;
        PIPE.store(sink.as_raw_fd(), Ordering::Relaxed);
        // the handler may run until the very end
        std::mem::forget(sink);
        let action = SigAction::new(
            SigHandler::SigAction(on_signal),
            SaFlags::SA_RESTART | SaFlags::SA_SIGINFO,
            SigSet::empty(),
        );
        for &signal in signals {
            // SAFETY: the handler only reads its arguments and an atomic, and writes to a pipe.
            let before = unsafe { sigaction(signal, &action) }?;
            if matches!(before.handler(), SigHandler::SigIgn) {
                // SAFETY: ignoring a signal runs no code.
                unsafe { sigaction(signal, &before) }?;
            }
        }
        Ok(Self(source))
    }

    /// Waits for a signal, until the deadline or until `other` is readable.
    ///
    /// # Errors
    /// When poll(2) fails.
    pub fn wait(&self, other: Option<BorrowedFd<'_>>, deadline: Option<Instant>) -> io::Result<Event> {
        let watched: Vec<BorrowedFd<'_>> = std::iter::once(self.0.as_fd()).chain(other).collect();
        loop {
            let readable = handle::ended(&watched, deadline)?;
            if readable.contains(&0) {
                if let Some(caught) = self.next() {
                    return Ok(Event::Signal(caught));
                }
            } else if readable.contains(&1) {
                return Ok(Event::Ended);
            } else {
                return Ok(Event::Deadline);
            }
        }
    }

    fn next(&self) -> Option<Caught> {
        let mut bytes = [0; 2];
        let read = rustix::io::read(&self.0, &mut bytes).ok()?;
        let signal = Signal::try_from(c_int::from(bytes[0])).ok()?;
        (read == bytes.len()).then_some(Caught { signal, sent: bytes[1] != 0 })
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

extern "C" fn on_signal(signal: c_int, info: *mut siginfo_t, _context: *mut c_void) {
    let before = nix::errno::Errno::last_raw();
    // SAFETY: the kernel passes a valid structure to a handler that asked for it.
    let sender = unsafe { (*info).si_pid() };
    let number = u8::try_from(signal).unwrap_or(0);
    // SAFETY: the descriptor was never closed. A full pipe loses the signal: 32,000 others wait already.
    let sink = unsafe { BorrowedFd::borrow_raw(PIPE.load(Ordering::Relaxed)) };
    let _ = rustix::io::write(sink, &[number, u8::from(sender != 0)]);
    nix::errno::Errno::set_raw(before);
}

/// Ends this process by a signal, so that its parent sees how it ended; returns only where that signal does not end a
/// process. Leaves no core file: what failed, if anything, is another program.
pub fn die_by(signal: Signal) {
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_CORE) {
        let _ = setrlimit(Resource::RLIMIT_CORE, 0, hard);
    }
    let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
    // SAFETY: the default action runs no code of this process; SIGKILL, for which it cannot be set, has it anyway.
    let _ = unsafe { sigaction(signal, &default) };
    let mut only = SigSet::empty();
    only.add(signal);
    let _ = sigprocmask(SigmaskHow::SIG_UNBLOCK, Some(&only), None);
    let _ = raise(signal);
}
