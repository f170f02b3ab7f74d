//! What is reported: what came of a start, why one failed, and the list of servers.

pub mod explanation;
pub(crate) mod failure;
pub mod listing;
pub mod moment;
pub mod openmetrics;
pub(crate) mod outcome;
pub mod start_record;
