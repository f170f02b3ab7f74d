//! Where a log is shown: a stream that may be slow, or halted by Ctrl-S, and that keeps nobody from anything else.

use std::{
    io::{self, Write},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::io::{Interest, unix::AsyncFd};

/// A stream that is written to only where that does not wait.
#[derive(Debug)]
pub struct Outlet {
    stream: OwnedFd,
    /// `None` for a file: that takes all at any time.
    watched: Option<AsyncFd<OwnedFd>>,
    /// What it has not taken yet.
    waiting: Vec<u8>,
}

/// A pipe that is said to be writable takes so much without a wait (pipe(7)).
const PIECE: usize = 4096;

impl Outlet {
    /// Writes to this stream, inside a runtime.
    ///
    /// # Errors
    /// When no descriptor is left.
    pub fn of(stream: BorrowedFd<'_>) -> io::Result<Self> {
        let stream = stream.try_clone_to_owned()?;
        // SAFETY: it owns one descriptor, which stays open and the same for as long as it lives.
        let watched = unsafe { AsyncFd::register_with_interest(stream.try_clone()?, Interest::WRITABLE) }.ok();
        Ok(Self { stream, watched, waiting: Vec::new() })
    }

    /// Tells whether it has taken all.
    pub(crate) fn is_clear(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Hands over as much as the stream takes now. What a closed one would have shown is dropped: that ends nothing.
    pub fn put(&mut self) {
        let mut taken = 0;
        while taken < self.waiting.len() && self.takes_more() {
            let end = self.waiting.len().min(taken + PIECE);
            match rustix::io::write(&self.stream, &self.waiting[taken..end]) {
                Ok(written) => taken += written,
                Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {}
                Err(_) => taken = self.waiting.len(),
            }
        }
        self.waiting.drain(..taken);
    }

    fn takes_more(&self) -> bool {
        let mut watched = [PollFd::from_borrowed_fd(self.stream.as_fd(), PollFlags::OUT)];
        poll(&mut watched, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).is_ok_and(|ready| ready > 0)
    }

    /// Waits until the stream takes more of what waits; for ever where nothing does.
    pub async fn changed(&self) {
        match &self.watched {
            _ if self.is_clear() => std::future::pending().await,
            None => tokio::task::yield_now().await,
            Some(watched) => {
                if let Ok(mut ready) = watched.writable().await
                    && !self.takes_more()
                {
                    ready.clear_ready();
                }
            }
        }
    }
}

impl Write for Outlet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.waiting.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
