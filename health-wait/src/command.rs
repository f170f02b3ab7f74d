//! What belongs to the command alone: its arguments, its words, its statuses.

pub(crate) mod arguments;
mod execute;
mod interrupt;
mod manual;
mod progress;
mod report;
mod run;
mod slip;
mod status;
