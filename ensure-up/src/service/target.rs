//! Where a server is asked for its health, and how that is shown.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use health_wait::{InvalidTarget, Target};

/// Makes the target to ask on an address where the server listens: without `health` the port has to accept, a path is
/// asked for there, anything else is a target of its own.
///
/// # Errors
/// When `health` is no target.
pub(crate) fn target(health: Option<&str>, listener: SocketAddr) -> Result<Target, InvalidTarget> {
    let address = reachable(listener);
    match health {
        None => format!("tcp://{address}").parse(),
        Some(path) if path.starts_with('/') => format!("http://{address}{path}").parse(),
        Some(target) => target.parse(),
    }
}

/// Writes the target as people do: with `localhost` for the usual addresses of this machine.
pub(crate) fn url(health: Option<&str>, listener: SocketAddr) -> String {
    let address = match reachable(listener) {
        usual if usual.ip() == Ipv4Addr::LOCALHOST || usual.ip() == Ipv6Addr::LOCALHOST => {
            format!("localhost:{}", usual.port())
        }
        other => other.to_string(),
    };
    match health {
        None => format!("tcp://{address}"),
        Some(path) if path.starts_with('/') => format!("http://{address}{path}"),
        Some(target) => target.to_owned(),
    }
}

/// A server on every address is asked on the loopback one.
fn reachable(listener: SocketAddr) -> SocketAddr {
    let address = match listener.ip().to_canonical() {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        address => address,
    };
    SocketAddr::new(address, listener.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_asked_where_it_listens() {
        let listener = |text: &str| text.parse().expect("an address");
        for (health, address, shown, asked) in [
            (None, "0.0.0.0:80", "tcp://localhost:80", "tcp://127.0.0.1:80"),
            (Some("/h"), "[::]:80", "http://localhost:80/h", "http://[::1]:80/h"),
            (Some("/h"), "127.0.0.2:80", "http://127.0.0.2:80/h", "http://127.0.0.2:80/h"),
            (Some("unix:/x"), "127.0.0.1:80", "unix:/x", "unix:/x"),
        ] {
            assert_eq!(url(health, listener(address)), shown);
            assert_eq!(target(health, listener(address)).expect("a target").to_string(), asked);
        }
    }
}
