//! What all five commands say and read alike: arguments, statuses, signals, terminals, tables, text, durations, sizes.

pub mod args;
pub mod clock;
pub mod command_line;
pub mod completion;
pub mod duration;
pub mod execution;
pub mod given_file;
pub mod json_lines;
mod keyboard;
pub mod line;
mod man;
pub mod manual;
pub mod memory_limit;
pub mod progress;
pub(crate) mod records;
mod screen;
pub mod signals;
pub mod size;
pub mod slip;
pub mod status;
mod stdout;
pub mod table;
pub mod terminal;
pub mod text;
pub mod tool;
mod usage_error;
pub mod watch;
