//! A port: how people name it, which sockets are on it, and who holds them.
//!
//! This is the library behind `port-who`. Three answers are never mixed up: nobody, held by these, and held by
//! somebody who cannot be seen.

mod holder;
mod port;
mod record;
pub mod report;
mod socket;

pub use holder::{Holders, holders, holds};
pub use port::{InvalidPort, PortSpec, Protocol};
pub use record::{Answer, Holding, LookError, Record, look};
pub use socket::{Query, Socket, SocketTableError, State, sockets};
