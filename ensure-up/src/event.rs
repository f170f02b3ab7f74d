//! Waiting for events: on one thread, for a deadline that may not be, for something that may not be there.

use std::{
    future::{Future, pending},
    io,
    time::Instant,
};

use tokio::{runtime::Builder, time};

/// Runs a future to its end on this thread. A resolver that hangs is left behind.
///
/// # Errors
/// When the system gives no event queue.
pub(crate) fn block_on<F: Future>(future: F) -> io::Result<F::Output> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let output = runtime.block_on(future);
    runtime.shutdown_background();
    Ok(output)
}

/// Waits for the deadline; without one, for ever.
pub(crate) async fn until(deadline: Option<Instant>) {
    or_never(deadline.map(|deadline| time::sleep_until(deadline.into()))).await;
}

/// Waits for what there is; where there is nothing, for ever.
pub(crate) async fn or_never<F: Future>(future: Option<F>) -> F::Output {
    match future {
        Some(future) => future.await,
        None => pending().await,
    }
}
