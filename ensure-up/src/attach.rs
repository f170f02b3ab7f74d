//! Staying with a server: attached to it, or while a command runs.

pub mod foreground;
pub mod then;
