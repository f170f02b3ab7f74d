//! A process: which one it is, what it is, its place in the tree, and what the tree uses.
//!
//! A PID is recycled, an [`Identity`] is not; a [`Handle`] signals and waits for that very process, and a [`Sampler`]
//! tells what trees use:
//!
//! ```
//! use std::{process::Command, thread, time::{Duration, Instant}};
//!
//! use proc_tree::{Handle, Identity, Sampler, Signal, handle, roots, sample::sampler::Options};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut child = Command::new("sleep").arg("60").spawn()?;
//! let identity = Identity::of(child.id())?.expect("nobody has waited for it yet");
//!
//! let (roots, _missing) = roots::find(&[child.id().into()])?;
//! let mut sampler = Sampler::new(roots, Options::default())?;
//! thread::sleep(Duration::from_millis(50));
//! for tree in sampler.sample()? {
//!     println!("{}: {:?} processes, {:?} bytes", tree.name, tree.processes, tree.figures.memory_bytes);
//! }
//!
//! let sleep = Handle::open(identity)?.expect("it still runs");
//! sleep.signal(Signal::TERM)?;
//! let survivors = handle::outliving(vec![sleep], Instant::now() + Duration::from_secs(5))?;
//! assert!(survivors.is_empty());
//! # child.wait()?;
//! # Ok(())
//! # }
//! ```
//!
//! This is the library behind `proc-tree` and the ground that the other tools stand on; it knows nothing of ports.
//! With the feature `cli` it also has what all five tools say alike: durations, sizes, terminal-safe text, tables,
//! usage errors, reports; `plot` adds charts, `gpu` the memory of NVIDIA's GPUs. Without default features it is small.

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
compile_error!("these tools know the process tables of Linux and macOS only");

mod ancestry;
#[cfg(feature = "cli")]
pub mod cli;
mod facts;
mod figures;
pub mod handle;
mod identity;
mod order;
pub mod process;
mod record;
#[cfg(feature = "cli")]
pub mod report;
pub mod roots;
pub mod sample;
#[cfg(feature = "cli")]
mod schema;
pub mod tree;
pub mod usage;
pub mod users;

pub use ancestry::Ancestry;
pub use facts::Facts;
pub use figures::Figures;
pub use handle::Handle;
pub use handle::signal::{InvalidSignal, Signal};
pub use identity::Identity;
pub use order::ascending;
pub use process::{RunState, Stat};
pub use record::{Member, TreeRecord};
pub use roots::selection;
pub use sample::sampler::Sampler;
#[cfg(feature = "cli")]
pub use schema::SCHEMA;
