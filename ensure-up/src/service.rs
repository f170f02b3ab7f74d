//! What is asked for: a service, from the command line or from the services file.

mod dependencies;
mod fault;
pub mod file;
mod overlay;
pub mod spec;
mod value;
