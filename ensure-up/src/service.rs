//! What is asked for: a service, from the command line or from the services file.

pub(crate) mod backoff;
pub(crate) mod check;
mod dependencies;
pub(crate) mod existing;
mod expand;
mod fault;
pub mod file;
pub(crate) mod glob;
pub mod handover;
mod health_targets;
pub(crate) mod held_address;
pub(crate) mod id;
mod keys;
mod overlay;
pub(crate) mod owner;
pub(crate) mod ownership;
mod placeholder;
pub(crate) mod ports;
mod reference;
pub(crate) mod resolved;
mod sole_ports;
pub(crate) mod spec;
pub(crate) mod supervision;
pub(crate) mod target;
mod value;
pub mod variable;
pub(crate) mod word;

#[cfg(test)]
mod tests;
