//! Waiting until servers, sockets, files and processes are healthy: what to ask, what to expect, when to ask again.
//!
//! This is the library behind `health-wait`. A [`Wait`] asks several [`Target`]s at once, each at every address that
//! it has, and ends as soon as they are as awaited. Everything in it happens on one thread, in one future that can be
//! dropped at any time.

mod body;
mod limit;
mod lookup;
mod options;
mod plan;
mod probe;
mod reason;
mod record;
pub mod report;
mod schedule;
mod standing;
mod status_set;
mod stream;
mod target;
mod tls;
mod wait;
mod watch;

pub use body::{BodyPattern, InvalidExpectation, InvalidPattern, JsonExpectation};
pub use options::{Header, InvalidHeader, ProbeOptions};
pub use reason::Reason;
pub use record::Record;
pub use status_set::{InvalidStatus, StatusSet};
pub use target::{InvalidTarget, Target};
pub use tls::InvalidCertificates;
pub use wait::{Event, Goal, Quorum, Report, Verdict, Wait, WaitError, ended};

/// The former name of [`ProbeOptions`].
pub type Settings = ProbeOptions;
