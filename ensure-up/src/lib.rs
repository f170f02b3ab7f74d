//! A server that shall be up: exactly one, surely ours, surely healthy.
//!
//! This is the library behind `ensure-up`. Who holds the port? Is it ours? Start it, wait until it is ready, keep a record.

pub mod attach;
mod health;
pub mod log;
pub mod report;
mod server;
pub mod service;
pub mod signals;
pub mod start;
pub mod status;
pub mod stop;
pub mod supervisor;

pub use health::{Asked, block_on};
pub use log::{lines::Lines, rotate::LogError};
pub use report::{
    failure::Failure,
    outcome::{Action, Outcome},
};
pub use server::{
    folder::{FolderError, Folders},
    life::{Ending, Life},
    lock::Lock,
    record::{Phase, Record},
    standing::Standing,
};
pub use service::{
    ports::Ports,
    resolved::{InvalidService, Service},
    spec::{Adopt, Existing, ServiceSpec},
};
pub use start::{
    clock::Clock,
    ensure::{Ensure, Up},
    race::{Race, ReadyError, Verdict},
    spawn::LaunchError,
};
