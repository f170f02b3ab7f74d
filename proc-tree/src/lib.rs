//! A process: its identity, what it is, its place in the tree, and what the tree uses.
//!
//! This is the library behind `proc-tree` and the ground that the other tools stand on; it knows nothing of ports.
//! It also owns what all five tools say alike: durations, sizes, terminal-safe text, tables, usage errors.

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
compile_error!("these tools know the process tables of Linux and macOS only");

#[cfg(feature = "cli")]
pub mod cli;
mod facts;
mod figures;
pub mod handle;
mod identity;
pub mod process;
mod record;
#[cfg(feature = "cli")]
pub mod report;
pub mod roots;
pub mod sample;
pub mod selection;
mod signal;
pub mod tree;
pub mod usage;
pub mod users;

pub use facts::Facts;
pub use figures::Figures;
pub use handle::Handle;
pub use identity::Identity;
pub use process::{RunState, Stat};
pub use record::{Member, Record};
pub use sample::sampler::Sampler;
pub use signal::{InvalidSignal, Signal};
