//! Keeping a server up: what starts it again when it crashes, hangs or changes.

mod begin;
mod brake;
pub mod breaker;
mod changes;
mod generation;
mod gitignore;
mod held;
mod holders;
mod idle;
mod interruptions;
mod launch;
mod liveness;
mod matcher;
mod memory;
mod memory_limit;
mod next;
pub(crate) mod passing;
mod pause;
pub mod reload;
pub mod run;
mod said;
pub(crate) mod start;
mod state;
mod wait;
