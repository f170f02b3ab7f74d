//! What belongs to the command alone: its arguments, its questions, and what it says beside the results.

pub(crate) mod arguments;
mod ask;
mod container;
mod manual;
mod notes;
mod status;
