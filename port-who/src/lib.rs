//! A port: how people name it, which sockets are on it, and who holds them.
//!
//! This is the library behind `port-who`. Three answers are never mixed up: nobody, held by these, and held by
//! somebody who cannot be seen.

mod answer;
#[cfg(target_os = "macos")]
mod descriptors;
mod filter;
mod free;
pub mod hint;
mod holder;
mod namespace;
pub mod origin;
mod port;
mod record;
pub mod report;
mod socket;

pub use answer::{Answer, Holding, LookError, look};
pub use filter::{Filter, parse_pattern, parse_user};
pub use free::{Free, FreeError, free};
pub use holder::{Holders, holders, holds};
pub use port::{InvalidPort, PortSpec, Protocol};
pub use record::{Ancestor, FullRecord, Record};
pub use socket::{Query, Socket, SocketTableError, State, sockets};
