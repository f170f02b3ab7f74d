//! Work that may hang, on a thread of its own.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    thread,
};

use proc_tree::cli::text;
use tokio::sync::oneshot::{Receiver, channel};

use crate::reason::{Reason, Sign};

/// What comes of the work. It goes on when nobody waits for it any more.
#[derive(Debug)]
pub(super) struct Beside<T>(Receiver<io::Result<T>>);

impl<T: Send + 'static> Beside<T> {
    /// Begins the work.
    ///
    /// # Errors
    /// When no thread is to be had.
    pub(super) fn begin(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<Self, Reason> {
        let (sender, receiver) = channel();
        // nobody may wait any more
        let begun = thread::Builder::new().spawn(move || sender.send(work()).is_ok());
        let lack = |error| Reason::new(Sign::Unable, format!("cannot start a thread: {}", text::os_error(&error)));
        begun.map(|_| Self(receiver)).map_err(lack)
    }
}

impl<T> Future for Beside<T> {
    type Output = io::Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(|done| done.map_err(io::Error::other).flatten())
    }
}
