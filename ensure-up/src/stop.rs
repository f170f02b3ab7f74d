//! Stopping servers: which, in which order, and all of each.

pub mod order;
pub(crate) mod tree;
