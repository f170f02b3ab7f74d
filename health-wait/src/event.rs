//! Waiting for events on one thread.

use std::{
    future::Future,
    io,
    os::unix::net::UnixStream,
    sync::atomic::{AtomicBool, Ordering},
};

use tokio::runtime::Builder;

/// Runs a future to its end on this thread, with I/O and time. A resolver that hangs is left behind.
///
/// # Errors
/// When the system gives no event queue.
pub fn block_on<F: Future>(future: F) -> io::Result<F::Output> {
    static WAS_MADE: AtomicBool = AtomicBool::new(false);
    if !WAS_MADE.load(Ordering::Relaxed) {
        spare()?;
    }
    let runtime = Builder::new_current_thread().enable_all().build()?;
    WAS_MADE.store(true, Ordering::Relaxed);
    let output = runtime.block_on(future);
    runtime.shutdown_background();
    Ok(output)
}

/// Tells whether there are descriptors for what the library makes once: where it gets none for its signals, it ends in a panic.
fn spare() -> io::Result<()> {
    let _at_once = [UnixStream::pair()?, UnixStream::pair()?, UnixStream::pair()?];
    Ok(())
}
