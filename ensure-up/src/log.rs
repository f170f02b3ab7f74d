//! A server's log: rotated, filled, followed, searched.

pub(crate) mod changes;
pub mod follow;
pub(crate) mod lines;
pub(crate) mod pump;
pub mod rotate;
pub(crate) mod tail;
