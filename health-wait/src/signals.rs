//! Dying by the signal that came, with the terminal left clean.

use std::io;

use nix::sys::signal::{SigHandler, Signal, raise, signal};
use tokio::signal::unix::{SignalKind, signal as listen};

/// Waits for a signal that ends this tool, and returns which one came.
pub(crate) async fn deadly() -> io::Result<Signal> {
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    let mut hang_up = listen(SignalKind::hangup())?;
    Ok(tokio::select! {
        _ = interrupt.recv() => Signal::SIGINT,
        _ = terminate.recv() => Signal::SIGTERM,
        _ = hang_up.recv() => Signal::SIGHUP,
    })
}

/// Dies by a signal, as if nobody had listened for it: the shell sees what happened.
pub(crate) fn die_by(deadly: Signal) {
    // SAFETY: the default action runs no code of this process.
    let _ = unsafe { signal(deadly, SigHandler::SigDfl) };
    let _ = raise(deadly);
}
