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

/// Writes the server's base as people do: with `localhost` for the usual addresses of this machine. That it speaks HTTP is
/// known by how it is asked for its health.
pub(crate) fn url(health: Option<&str>, listener: SocketAddr) -> String {
    let address = match reachable(listener) {
        usual if usual.ip() == Ipv4Addr::LOCALHOST || usual.ip() == Ipv6Addr::LOCALHOST => {
            format!("localhost:{}", usual.port())
        }
        other => other.to_string(),
    };
    match health {
        Some(path) if path.starts_with('/') => format!("http://{address}"),
        Some(target) => site(target, listener.port()).unwrap_or_else(|| format!("tcp://{address}")),
        None => format!("tcp://{address}"),
    }
}

/// Returns scheme, host and port of an HTTP target that is on this port; another one says nothing of the server's own base.
fn site(target: &str, port: u16) -> Option<String> {
    let (scheme, rest) = target.split_once("://")?;
    let usual = match scheme.to_ascii_lowercase().as_str() {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    let authority = rest.split(['/', '?', '#']).next()?;
    let place = authority.rsplit('@').next()?;
    let asked = place
        .rsplit_once(':')
        .filter(|(_, port)| !port.contains(']'))
        .map_or(Some(usual), |(_, port)| port.parse().ok());
    (asked == Some(port)).then(|| format!("{scheme}://{place}"))
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
            (Some("/h"), "[::]:80", "http://localhost:80", "http://[::1]:80/h"),
            (Some("/h"), "127.0.0.2:80", "http://127.0.0.2:80", "http://127.0.0.2:80/h"),
            (Some("https://u:p@a.test:80/h?x=:1"), "[::]:80", "https://a.test:80", "https://u:***@a.test:80/h?x=:1"),
            (Some("http://[::1]/h"), "[::1]:80", "http://[::1]", "http://[::1]/h"),
            (Some("http://a.test:81/h"), "[::1]:80", "tcp://localhost:80", "http://a.test:81/h"),
            (Some("unix:/x"), "127.0.0.1:80", "tcp://localhost:80", "unix:/x"),
        ] {
            assert_eq!(url(health, listener(address)), shown);
            assert_eq!(target(health, listener(address)).expect("a target").to_string(), asked);
        }
    }
}
