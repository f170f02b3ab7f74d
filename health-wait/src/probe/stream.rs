//! A connection of any kind.

use tokio::io::{AsyncRead, AsyncWrite};

use super::{bounded::Bounded, endpoint::Endpoint, tcp, unix};
use crate::{
    reason::{Reason, Sign},
    target::kind::Place,
};

/// A connection of any kind.
pub(super) trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

/// A connection whose kind no longer matters.
pub(super) type Stream = Box<dyn Connection>;

/// Connects to where a target listens.
pub(super) async fn open(place: &Place, endpoint: Endpoint) -> Result<Stream, Reason> {
    match (endpoint, place) {
        (Endpoint::Address(address), _) => Ok(Box::new(Bounded::new(tcp::connect(address).await?))),
        (Endpoint::Here, Place::Socket(path)) => Ok(Box::new(Bounded::new(unix::connect(path).await?))),
        (Endpoint::Here, Place::Host(_)) => Err(Reason::new(Sign::Unreachable, "the host has no address")),
    }
}
