//! Whether a port is free: nobody listens on it, and a server that sets `SO_REUSEADDR`, as servers do, can bind it now.
//!
//! The verdict is a pure function of what the kernel's tables show; where those cannot tell, a bind does.

mod limits;
mod link;
mod occupancy;
mod search;
mod trial;
mod verdict;

pub use occupancy::{Availability, FreeError, Occupancy};
pub use search::{Free, free};
