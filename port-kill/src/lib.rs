//! Stopping: processes, whole trees of them, and whatever holds a port; each with proof of what came of it.
//!
//! ```no_run
//! use port_kill::{Request, Target, free};
//!
//! let request = Request::new(Target::Ports(vec!["8000".parse()?]));
//! let report = free(&request, &mut |_| Ok(true), None)?;
//! for process in &report.processes {
//!     println!("{:?} {}", process.pid, process.outcome.word());
//! }
//! assert!(report.is_free());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! This is the library behind `port-kill`. [`stop()`] knows nothing of ports; [`free()`] stands on it. A process is opened
//! before it is signalled, so that a recycled PID is never hit, and waited for on what was opened.

mod free;
mod hint;
mod outcome;
pub mod report;
mod schema;
mod stop;
mod supervisor;

pub use free::{Candidate, Confirm, FreeError, Request, Target, free, free_observed};
pub use hint::Hint;
pub use outcome::{Holder, Outcome, PortOutcome, ProcessOutcome, Report, Role};
pub use schema::SCHEMA;
pub use stop::{Awaited, Observer, StopOptions, Stopped, stop, stop_observed};
pub use supervisor::Supervisor;
