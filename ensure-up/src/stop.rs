//! Stopping servers: which, in which order, and all of each.

pub mod order;
pub(crate) mod port;
pub mod server;
pub(crate) mod whole;
