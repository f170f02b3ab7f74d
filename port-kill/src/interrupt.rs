//! SIGINT and SIGTERM as something that can be waited for: a wait ends in order, and the caller then dies by that signal.

use std::{
    io::{self, PipeReader, Write},
    os::fd::{AsFd, BorrowedFd},
    sync::{Arc, OnceLock},
    thread,
};

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

/// The signals, held back from now on. Its descriptor becomes readable when one has come.
#[derive(Debug)]
pub struct Interrupt {
    pipe: PipeReader,
    caught: Arc<OnceLock<Signal>>,
}

impl Interrupt {
    /// Holds SIGINT and SIGTERM back in this thread, and in those that it starts later, for the rest of the process.
    ///
    /// A signal that the process was started to ignore, as a shell does for `command &`, stays ignored.
    ///
    /// # Errors
    /// When the signals cannot be blocked, or there is no room for a pipe and a thread.
    pub fn listen() -> io::Result<Self> {
        let mut signals = SigSet::empty();
        for signal in [Signal::SIGINT, Signal::SIGTERM] {
            if !is_ignored(signal)? {
                signals.add(signal);
            }
        }
        signals.thread_block()?;
        let (pipe, mut writer) = io::pipe()?;
        let caught = Arc::new(OnceLock::new());
        let seen = Arc::clone(&caught);
        // a handler could do little in safety; a thread that waits can do anything, and wakes up once at most
        thread::Builder::new().stack_size(64 * 1024).spawn(move || {
            if let Ok(signal) = signals.wait() {
                let _ = seen.set(signal);
                let _ = writer.write_all(&[0]);
            }
            // keeps the pipe open: its end would read as a signal
            thread::park();
        })?;
        Ok(Self { pipe, caught })
    }

    /// Returns the signal that has come.
    pub fn caught(&self) -> Option<Signal> {
        self.caught.get().copied()
    }
}

impl AsFd for Interrupt {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}

fn is_ignored(signal: Signal) -> io::Result<bool> {
    let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
    // SAFETY: neither action runs code in a handler that was not there before.
    let old = unsafe { sigaction(signal, &default) }?;
    // SAFETY: as above; what was there comes back.
    unsafe { sigaction(signal, &old) }?;
    Ok(matches!(old.handler(), SigHandler::SigIgn))
}
