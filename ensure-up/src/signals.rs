//! Signals that ask this tool to end, taken as events so that it can clean up first.

use std::{future, io};

use proc_tree::{Signal, cli::signals};
use tokio::io::unix::AsyncFd;

/// What a person, a CI runner or a closing terminal sends.
pub const ENDING: [Signal; 3] = [Signal::INT, Signal::TERM, Signal::HUP];

/// The signals that ask to end, once caught.
#[derive(Debug)]
pub struct Signals(AsyncFd<signals::Signals>);

impl Signals {
    /// Begins to catch them, but for those that are ignored: that is what nohup(1) is for.
    ///
    /// # Errors
    /// When the handlers cannot be installed.
    pub fn catch() -> io::Result<Self> {
        let signals = signals::Signals::catch(&ENDING)?;
        // SAFETY: it owns one descriptor, which stays open and the same for as long as it lives.
        Ok(Self(unsafe { AsyncFd::register(signals) }?))
    }

    /// Waits for the next one.
    pub async fn next(&mut self) -> Signal {
        loop {
            let Ok(mut ready) = self.0.readable().await else { return future::pending().await };
            match ready.get_inner().next() {
                Some(caught) => return caught.signal,
                None => ready.clear_ready(),
            }
        }
    }
}
