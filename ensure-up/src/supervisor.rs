//! Keeping a server up: what starts it again when it crashes, hangs or changes.

pub mod breaker;
mod generation;
mod ignored;
mod liveness;
mod memory;
pub mod reload;
pub mod run;
pub(crate) mod start;
mod told;
