//! Waiting until servers, sockets, files and processes are healthy: what to ask, what to expect, when to ask again.
//!
//! This is the library behind `health-wait`. A [`Wait`] asks several [`Target`]s at once, each at every address that
//! it has, and ends as soon as they are as awaited. Everything in it happens on one thread, in one future that can be
//! dropped at any time.
//!
//! ```
//! # health_wait::block_on(async {
//! use health_wait::{ProbeOptions, Target, Verdict, Wait};
//!
//! let server = std::net::TcpListener::bind("127.0.0.1:0")?;
//! let targets = [Target::port(server.local_addr()?.port())];
//! let options = ProbeOptions::default();
//! let report = Wait::new(&targets, &options).run(&mut |_, _| {}).await?;
//! assert_eq!(report.verdict, Verdict::Reached);
//! assert!(report.records[0].healthy);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })??;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod event;
mod expect;
mod options;
mod probe;
mod reason;
mod report;
mod schedule;
mod schema;
mod target;
mod target_state;
mod tls;
mod verdict;
mod wait;

pub use event::block_on;
pub use options::ProbeOptions;
pub use options::data::InvalidData;
pub use probe::{inputs::InvalidInput, process::ended};
pub use report::{Report, TargetRecord};
pub use schema::SCHEMA;
pub use target::{InvalidTarget, Target};
pub use tls::pem::InvalidCertificates;
pub use verdict::{Goal, Quorum, Verdict};
pub use wait::{Event, Wait, WaitError};
