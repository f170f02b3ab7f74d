//! Connections, and what they can turn out to be.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    path::Path,
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
};

use crate::reason::{Reason, Sign};

/// A connection of any kind.
pub(crate) trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

/// A connection whose kind no longer matters.
pub(crate) type Stream = Box<dyn Connection>;

/// Connects to an address.
pub(crate) async fn to_address(address: SocketAddr) -> Result<TcpStream, Reason> {
    let stream = TcpStream::connect(address).await.map_err(|error| Reason::from_io(&error))?;
    let stream = not_ourselves(stream)?;
    stream.set_nodelay(true).map_err(|error| Reason::from_io(&error))?;
    Ok(stream)
}

/// Connects to a Unix socket.
pub(crate) async fn to_socket(path: &Path) -> Result<UnixStream, Reason> {
    UnixStream::connect(path).await.map_err(|error| match error.kind() {
        // "invalid input" is what a path that is too long for a socket gives
        io::ErrorKind::InvalidInput => Reason::new(Sign::Unclear, "the path is too long for a socket"),
        io::ErrorKind::NotFound => Reason::new(Sign::No, "no such socket"),
        io::ErrorKind::WouldBlock => Reason::new(Sign::Silent, "its queue of connections is full"),
        _ => Reason::from_io(&error),
    })
}

/// A port that nobody listens on can be connected to from itself, when the kernel happens to choose that very port for
/// our end (simultaneous open, RFC 9293 section 3.5). Whoever asks often enough meets this; it is a refusal. It must
/// not leave a connection in TIME_WAIT, which would keep the server from its port.
fn not_ourselves(stream: TcpStream) -> Result<TcpStream, Reason> {
    match (stream.local_addr(), stream.peer_addr()) {
        (Ok(ours), Ok(theirs)) if ours == theirs => {
            // without it the port is held for a minute; nothing else can be done about it
            let _ = stream.set_zero_linger();
            Err(Reason::from_io(&io::ErrorKind::ConnectionRefused.into()))
        }
        _ => Ok(stream),
    }
}

/// Tells whether an address is this machine's own loopback.
pub(crate) fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpSocket;

    use super::*;

    #[test]
    fn a_connection_to_itself_is_a_refusal_and_leaves_the_port_free() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime");
        runtime.block_on(async {
            let socket = TcpSocket::new_v4().expect("a socket");
            socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
            let address = socket.local_addr().expect("a bound socket has an address");
            let stream = socket.connect(address).await.expect("simultaneous open");
            let reason = not_ourselves(stream).expect_err("nobody else is there");
            assert_eq!((reason.sign, reason.text.as_str()), (Sign::No, "connection refused"));
            // std sets SO_REUSEADDR, which would hide a connection in TIME_WAIT
            let server = TcpSocket::new_v4().expect("a socket");
            server.bind(address).expect("the port is free again");
        });
    }
}
