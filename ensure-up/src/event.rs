//! Waiting for events: for a deadline that may not be, for something that may not be there.

use std::{
    future::{Future, pending},
    time::Instant,
};

pub(crate) use health_wait::block_on;
use tokio::time;

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
