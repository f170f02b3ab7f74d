//! A server that shall be up: exactly one, surely ours, surely healthy.
//!
//! This is the library behind `ensure-up`. Who holds the port? Is it ours? Start it, wait until it is ready, keep a record.

pub mod attach;
mod event;
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

pub use log::rotate::LogError;
pub use report::{
    failure::Failure,
    outcome::{Action, Outcome},
};
pub use server::{
    end::End,
    folder::{FolderError, Folders},
    processes::ServerProcesses,
    record::Record,
};
pub(crate) use server::{lock::Lock, record::Phase};
pub use service::{
    ports::Ports,
    resolved::{InvalidService, Service},
    spec::{Adopt, Existing, ServiceSpec},
};
pub use start::{
    call::{Call, Up},
    clock::Clock,
    ready_error::ReadyError,
    spawn::LaunchError,
};
