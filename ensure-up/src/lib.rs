//! A server that shall be up: exactly one, surely ours, surely healthy.
//!
//! This is the library behind `ensure-up`. Who holds the port? Is it ours? Start it, wait until it is ready, keep a record.

pub mod breaker;
mod changes;
pub mod config;
mod ensure;
pub mod fleet;
mod folder;
pub mod follow;
pub mod foreground;
mod health;
mod ignored;
mod launch;
mod life;
mod lines;
mod lock;
pub mod log;
mod notify;
mod outcome;
mod pump;
mod range;
mod raw_path;
mod ready;
mod record;
pub mod reload;
pub mod report;
pub mod service;
pub mod signals;
mod standing;
mod start;
pub mod status;
pub mod status_report;
mod stop;
pub mod stopping;
pub mod supervise;
mod supervised;
mod tail;
pub mod then;

pub use ensure::{Ensure, Up};
pub use folder::{FolderError, Folders};
pub use health::{Asked, block_on};
pub use launch::LaunchError;
pub use life::{Ending, Life};
pub use lines::Lines;
pub use lock::Lock;
pub use log::LogError;
pub use outcome::{Action, Clock, Failure, Outcome};
pub use ready::{Race, ReadyError, Verdict};
pub use record::{Phase, Record};
pub use service::{Adopt, Existing, Ports, Service};
pub use standing::Standing;
pub use supervise::{KeepUp, RestartOn};
