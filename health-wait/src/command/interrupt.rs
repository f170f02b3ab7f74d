//! The signals that end this tool, taken as events so that the terminal is left clean.

use std::{future, io};

use proc_tree::{Signal, cli::signals::Signals};
use tokio::io::unix::AsyncFd;

/// Waits for a signal that ends this tool.
pub(super) async fn next() -> io::Result<Signal> {
    let signals = Signals::catch(&[Signal::INT, Signal::TERM, Signal::HUP])?;
    // SAFETY: it owns one descriptor, which stays open and the same for as long as it lives.
    let signals = unsafe { AsyncFd::register(signals) }?;
    loop {
        let Ok(mut ready) = signals.readable().await else { return future::pending().await };
        match ready.get_inner().next() {
            Some(caught) => return Ok(caught.signal),
            None => ready.clear_ready(),
        }
    }
}
