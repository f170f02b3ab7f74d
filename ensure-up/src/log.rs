//! A server's log: rotated, filled, followed, searched.

pub mod deleted;
pub mod follow;
pub mod head;
pub mod last;
pub mod merged;
pub mod outlet;
pub(crate) mod patterns;
pub(crate) mod pump;
pub mod rotate;
pub mod shown;
pub(crate) mod tail;
