//! Signals, turned into events that a loop can wait for beside the clock and the end of a process.

use std::{
    ffi::c_int,
    io,
    os::fd::{AsFd, AsRawFd, BorrowedFd, IntoRawFd, OwnedFd, RawFd},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicI32, Ordering},
    },
    time::Instant,
};

use nix::{
    libc::{c_void, siginfo_t},
    sys::{
        resource::{Resource, getrlimit, setrlimit},
        signal::{SaFlags, SigAction, SigHandler, SigSet, SigmaskHow, raise, sigaction, sigprocmask},
    },
};
use rustix::{
    event::{PollFd, PollFlags},
    io::ioctl_fionbio,
};

use crate::{Signal, handle};

/// The signals that are caught become readable here. All values of this type in a process share one pipe.
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
    /// The awaited descriptor is readable: of a [`crate::Handle`], that its process has ended; of a stream, that its
    /// reader went away.
    Ended,
}

/// The end of the pipe that the handler writes to.
static SINK: AtomicI32 = AtomicI32::new(-1);

/// The end that is read. Both are made by the first that catches a signal and stay open: a handler may run until the end.
fn source() -> io::Result<OwnedFd> {
    static SOURCE: Mutex<Option<OwnedFd>> = Mutex::new(None);
    let mut source = SOURCE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(source) = &*source {
        return source.try_clone();
    }
    let (reader, writer) = io::pipe()?;
    ioctl_fionbio(&reader, true)?;
    ioctl_fionbio(&writer, true)?;
    SINK.store(OwnedFd::from(writer).into_raw_fd(), Ordering::Relaxed);
    source.insert(reader.into()).try_clone()
}

impl Signals {
    /// Catches these signals from now on, but for those that this process was started to ignore, as nohup(1) and a
    /// shell's background jobs do.
    ///
    /// # Errors
    /// When there is no descriptor left for a pipe.
    pub fn catch(signals: &[Signal]) -> io::Result<Self> {
        let source = source()?;
        let action = SigAction::new(
            SigHandler::SigAction(on_signal),
            SaFlags::SA_RESTART | SaFlags::SA_SIGINFO,
            SigSet::empty(),
        );
        for signal in signals.iter().map(|signal| signal.to_nix()) {
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
        self.wait_beside(other, PollFlags::IN, deadline)
    }

    /// Waits for a signal, until the deadline or until nobody reads the stream any more.
    ///
    /// # Errors
    /// When poll(2) fails.
    pub(super) fn wait_while_read(
        &self,
        stream: Option<BorrowedFd<'_>>,
        deadline: Option<Instant>,
    ) -> io::Result<Event> {
        // no event is asked for: only that the other end was closed is told
        self.wait_beside(stream, PollFlags::empty(), deadline)
    }

    fn wait_beside(
        &self,
        other: Option<BorrowedFd<'_>>,
        flags: PollFlags,
        deadline: Option<Instant>,
    ) -> io::Result<Event> {
        let mut watched = vec![PollFd::new(&self.0, PollFlags::IN)];
        watched.extend(other.map(|other| PollFd::from_borrowed_fd(other, flags)));
        loop {
            match handle::poll_until(&mut watched, deadline)?.first() {
                Some(0) => {
                    if let Some(caught) = self.next() {
                        return Ok(Event::Signal(caught));
                    }
                }
                Some(_) => return Ok(Event::Ended),
                None => return Ok(Event::Deadline),
            }
        }
    }

    /// Halts this process by a signal that it catches, so that the shell sees it; returns when it is continued, and catches the
    /// signal again. A process that nobody could continue is not halted.
    ///
    /// # Errors
    /// When the signal cannot be caught again.
    pub(super) fn halt_by(signal: Signal) -> io::Result<()> {
        suffer(signal);
        Self::catch(&[signal]).map(drop)
    }

    /// Takes the next signal that has come, without waiting.
    pub fn next(&self) -> Option<Caught> {
        let mut bytes = [0; 2];
        let read = rustix::io::read(&self.0, &mut bytes).ok()?;
        let signal = Signal::from_number(bytes[0].into())?;
        (read == bytes.len()).then_some(Caught { signal, sent: bytes[1] != 0 })
    }
}

impl AsRawFd for Signals {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
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
    let sent = was_sent(unsafe { &*info });
    let number = u8::try_from(signal).unwrap_or(0);
    // SAFETY: the descriptor was never closed. A full pipe loses the signal: 32,000 others wait already.
    let sink = unsafe { BorrowedFd::borrow_raw(SINK.load(Ordering::Relaxed)) };
    let _ = rustix::io::write(sink, &[number, u8::from(sent)]);
    nix::errno::Errno::set_raw(before);
}

/// Tells whether a process sent the signal. The sender's PID is 0 when it is of another PID namespace.
#[cfg(target_os = "linux")]
fn was_sent(info: &siginfo_t) -> bool {
    // sigaction(2): SI_USER, SI_QUEUE, SI_TKILL and their like are not above 0, what the kernel sends by itself is
    info.si_code <= 0
}

/// Tells whether a process sent the signal. Type-checked, never run.
#[cfg(target_os = "macos")]
fn was_sent(info: &siginfo_t) -> bool {
    info.si_pid != 0
}

/// Ends this process by a signal, so that its parent sees how it ended; returns only where that signal does not end a
/// process. Leaves no core file: what failed, if anything, is another program.
pub(super) fn die_by(signal: Signal) {
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_CORE) {
        let _ = setrlimit(Resource::RLIMIT_CORE, 0, hard);
    }
    suffer(signal);
}

/// Lets a signal do to this process what it does to one that does not catch it.
fn suffer(signal: Signal) {
    let signal = signal.to_nix();
    let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
    // SAFETY: the default action runs no code of this process; SIGKILL, for which it cannot be set, has it anyway.
    let _ = unsafe { sigaction(signal, &default) };
    let mut only = SigSet::empty();
    only.add(signal);
    let _ = sigprocmask(SigmaskHow::SIG_UNBLOCK, Some(&only), None);
    let _ = raise(signal);
}
