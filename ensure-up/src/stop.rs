//! Stopping servers: which, in which order, and all of each.

pub(crate) mod beside;
pub mod interrupt;
pub mod killed;
pub mod manner;
pub mod order;
pub(crate) mod port;
pub mod server;
pub mod service;
pub mod several;
pub(crate) mod supervisor;
pub mod whole;
mod wrapper;
