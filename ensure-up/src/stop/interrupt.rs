//! Several stops on threads of their own are asked to end together: a signal is read by one alone.

use std::{
    io::{self, PipeReader, PipeWriter},
    os::fd::{AsFd, BorrowedFd},
    sync::OnceLock,
};

use proc_tree::Signal;

/// Asks the stops that are under way to end, when this process is asked to.
#[derive(Debug)]
pub struct Interrupt {
    /// Readable once that is so: nobody holds the other end then.
    asked: PipeReader,
    caught: OnceLock<Signal>,
}

impl Interrupt {
    pub(super) fn new() -> io::Result<(Self, PipeWriter)> {
        let (asked, writer) = io::pipe()?;
        Ok((Self { asked, caught: OnceLock::new() }, writer))
    }

    /// Says which signal it was, before the other end is dropped.
    pub(super) fn catch(&self, signal: Signal) {
        let _ = self.caught.set(signal);
    }

    /// Returns the signal that asked for it.
    pub(super) fn caught(&self) -> Option<Signal> {
        self.caught.get().copied()
    }
}

impl AsFd for Interrupt {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.asked.as_fd()
    }
}
