//! Staying with servers: attached to them, or while a command runs.

pub mod foreground;
pub mod needed;
pub mod ready;
pub mod then;
pub mod usage;
