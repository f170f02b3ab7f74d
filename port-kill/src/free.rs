//! Freeing ports: who holds them, who of those may be stopped, and whether the ports are free in the end.

mod candidate;
mod descendants;
mod error;
mod evidence;
mod findings;
mod in_use;
mod in_vain;
mod named;
mod plan;
mod ports;
mod recheck;
mod report;
mod request;
mod run;
mod scope;
mod successors;
mod summary;
mod watch;

pub use candidate::Candidate;
pub use error::FreeError;
pub use request::{Request, Target};
pub use run::{Confirm, free, free_observed};
