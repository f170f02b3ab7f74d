//! What belongs to the command alone: its arguments, and each way of looking.

pub(crate) mod arguments;
mod candidates;
mod format;
mod limits;
mod manual;
mod observer;
mod once;
mod output;
mod run;
mod slip;
pub(crate) mod status;
mod watch;
