//! Staying with servers: attached to them, or while a command runs.

mod changed;
pub mod foreground;
pub mod ready;
pub mod then;
pub mod usage;
