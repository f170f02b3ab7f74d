//! A port: how people name it, which sockets are on it, and who holds them.
//!
//! ```
//! use port_who::{Query, look};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let answer = look(&Query::holders_of(vec!["8000".parse()?]))?;
//! for holding in &answer.holdings {
//!     match &holding.process {
//!         Some(process) => println!("{} {}", process.pid, process.command_line()),
//!         None => println!("somebody whom you cannot see"),
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! This is the library behind `port-who`. Three answers are never mixed up: nobody, held by these, and held by
//! somebody who cannot be seen.

mod answer;
#[cfg(test)]
mod example;
mod filter;
mod free;
mod holder;
mod in_use;
mod look;
mod namespace;
pub mod origin;
mod port;
mod query;
mod record;
pub mod report;
mod schema;
mod socket;
mod spelling;
mod table;

pub use answer::{Answer, Closed, Holding};
pub use filter::{Filter, parse_pattern, parse_user};
pub use free::{Availability, Free, FreeError, Occupancy, free};
pub use holder::holds;
pub use in_use::candidates;
pub use look::{LookError, look, look_below, owners};
pub use namespace::{of as network_of, own as own_network};
pub use port::{InvalidPort, PortSpec, Protocol};
pub use query::Query;
pub use schema::SCHEMA;
pub use socket::{Socket, State};
pub use spelling::respelled;
pub use table::{SocketTableError, sockets};
