//! Starting a server, and the race until it is ready: exactly one, and only where there is none.

mod already_up;
pub(crate) mod call;
pub(crate) mod clock;
mod decide;
mod exec;
mod existing;
mod held;
mod holders;
mod job;
mod launch;
pub(crate) mod launch_error;
pub(crate) mod notify;
mod port;
pub(crate) mod race;
mod range;
mod readiness;
pub(crate) mod ready_error;
pub mod several;
pub(crate) mod spawn;
pub(crate) mod starting;
mod successor;
mod there;
mod turn;
pub(crate) mod waiting;

use crate::Failure;
use call::{Call, Up};

/// Sees to it that a server is up and healthy.
///
/// # Errors
/// When it is not; the failure says why.
pub fn ensure(call: &Call<'_>) -> Result<Up, Failure> {
    if call.service.has_range() { range::ensure(call) } else { port::ensure(call, call.service.port(), false) }
}
