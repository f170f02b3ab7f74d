//! Connections over TCP.

use std::{io, net::SocketAddr};

use tokio::net::TcpStream;

use crate::reason::{Reason, Sign};

/// Connects to an address.
pub(super) async fn connect(address: SocketAddr) -> Result<TcpStream, Reason> {
    let stream = TcpStream::connect(address).await.map_err(|error| failed(address, &error))?;
    let stream = not_ourselves(stream)?;
    stream.set_nodelay(true).map_err(|error| Reason::from_io(&error))?;
    Ok(stream)
}

/// Words why there is no connection. No address to connect from means that the machine has no IPv6; of IPv4, that all its
/// ports are in use, which says nothing of the server.
fn failed(address: SocketAddr, error: &io::Error) -> Reason {
    let reason = Reason::from_io(error);
    let is_ours = error.kind() == io::ErrorKind::AddrNotAvailable && address.is_ipv4();
    if is_ours { Reason { sign: Sign::Unclear, ..reason } } else { reason }
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
