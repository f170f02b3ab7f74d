//! A server that shall be up: exactly one, surely ours, surely healthy.
//!
//! This is the library behind `ensure-up`. Who holds the port? Is it ours? Start it, wait until it is ready, keep a record.
//!
//! ```no_run
//! use ensure_up::{Call, Clock, Observer, Service, ServiceSpec, StateFolder, start};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let words = ["python3", "-m", "http.server", "{port}"];
//! let service = Service::try_from(ServiceSpec {
//!     port: Some("8000".parse()?),
//!     command: words.map(Into::into).into(),
//!     ..ServiceSpec::default()
//! })?;
//! let state_folder = StateFolder::find()?;
//! let tell = |waiting: &ensure_up::Waiting| eprintln!("{waiting:?}");
//! let clock = Clock::start(service.timeout());
//! let call = Call { service: &service, state_folder: &state_folder, clock, observer: Observer::new(&tell) };
//! let (outcome, _) = start::ensure(&call)?;
//! println!("{} {}", outcome.action.word(), outcome.name);
//! # Ok(())
//! # }
//! ```

pub mod attach;
mod event;
mod health;
pub mod init;
pub mod log;
pub mod report;
mod schema;
pub mod server;
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
pub use schema::SCHEMA;
pub use server::{
    end::End,
    folder::{FolderError, StateFolder},
    holding::Holding,
    part::Part,
    processes::ServerProcesses,
    record::ServerRecord,
};
pub(crate) use server::{lock::Lock, phase::Phase};
pub use service::{
    check::InvalidService,
    existing::{Adopt, Existing},
    id::ServiceId,
    ports::{Port, Ports},
    resolved::Service,
    spec::ServiceSpec,
};
pub use start::{
    call::{Call, Up},
    clock::Clock,
    launch_error::LaunchError,
    ready_error::ReadyError,
    waiting::{Doing, Observer, Waiting},
};
