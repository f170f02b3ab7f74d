//! What the kernel has counted for one process, and what the machine has.
//!
//! One façade for both platforms. Every function answers `None` for a process that does not exist (any more) and an
//! error where the kernel refuses to say: that is not 0. The macOS side has been type-checked, never run.

mod cpu;
#[cfg(feature = "gpu")]
pub mod gpu;
pub mod host;
mod io;
pub mod memory;

pub use cpu::cpu_clock;
pub(crate) use io::{Transfer, open_files, transfer};
