//! Stopping: processes, whole trees of them, and whatever holds a port; each with proof of what came of it.
//!
//! This is the library behind `port-kill`. [`stop()`] knows nothing of ports; [`free()`] stands on it. A process is opened
//! before it is signalled, so that a recycled PID is never hit, and waited for on what was opened.

mod free;
mod guard;
mod outcome;
pub mod report;
mod request;
pub mod stop;

pub use free::{Candidate, Confirm, FreeError, free};
pub use outcome::{Holder, Outcome, PortOutcome, ProcessOutcome, Report, Role};
pub use request::{Request, Target};
pub use stop::{Settings, Stopped, stop};
