//! Ports as people name them: `8000`, `:8000`, `8000-8099`, `8000,8005-8007/udp`, `[::1]:8000`.

use std::{fmt, net::IpAddr, str::FromStr};

use serde::Serialize;

/// The transport protocols that have ports here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// TCP (RFC 9293).
    Tcp,
    /// UDP (RFC 768).
    Udp,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        })
    }
}

/// Some ports, perhaps of one protocol only, perhaps on one local address only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortSpec {
    text: String,
    ranges: Vec<(u16, u16)>,
    protocol: Option<Protocol>,
    address: Option<IpAddr>,
}

/// A text that names no ports.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid port {text:?}: {expected}")]
pub struct InvalidPort {
    text: String,
    expected: &'static str,
}

impl PortSpec {
    /// Names one port, of either protocol, on any address.
    pub fn port(port: u16) -> Self {
        Self { text: port.to_string(), ranges: vec![(port, port)], protocol: None, address: None }
    }

    /// Names the ports from `low` to `high`, of either protocol, on any address.
    pub(crate) fn range(low: u16, high: u16) -> Self {
        Self { text: format!("{low}-{high}"), ranges: vec![(low, high)], protocol: None, address: None }
    }

    /// Returns the same ports of one protocol only.
    #[must_use]
    pub fn of_protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = Some(protocol);
        self
    }

    /// Returns the same ports on one local address only.
    #[must_use]
    pub fn on(mut self, address: IpAddr) -> Self {
        self.address = Some(address.to_canonical());
        self
    }

    /// Returns the inclusive ranges of ports, in the order in which they were written.
    pub fn ranges(&self) -> &[(u16, u16)] {
        &self.ranges
    }

    /// Returns every port, in the order in which they were written.
    pub fn ports(&self) -> impl Iterator<Item = u16> {
        self.ranges.iter().flat_map(|&(low, high)| low..=high)
    }

    /// Returns the protocol that was named.
    pub fn protocol(&self) -> Option<Protocol> {
        self.protocol
    }

    /// Returns the local address that was named.
    pub fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// Tells whether this port of this protocol is one of them, on whatever address.
    pub fn has(&self, protocol: Protocol, port: u16) -> bool {
        self.protocol.is_none_or(|named| named == protocol)
            && self.ranges.iter().any(|&(low, high)| (low..=high).contains(&port))
    }
}

impl fmt::Display for PortSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

const EXPECTED: &str = "expected a number from 1 to 65535, a range such as 8000-8099, or a list";

impl FromStr for PortSpec {
    type Err = InvalidPort;

    fn from_str(text: &str) -> Result<Self, InvalidPort> {
        let invalid = |expected| InvalidPort { text: text.to_owned(), expected };
        let (rest, protocol) = match text.rsplit_once('/') {
            None => (text, None),
            Some((rest, "tcp")) => (rest, Some(Protocol::Tcp)),
            Some((rest, "udp")) => (rest, Some(Protocol::Udp)),
            Some(_) => return Err(invalid("expected /tcp or /udp after the port")),
        };
        let (address, ports) = match rest.rsplit_once(':') {
            None => (None, rest),
            Some(("", ports)) => (None, ports),
            Some((address, ports)) => {
                let address = parse_address(address)
                    .ok_or_else(|| invalid("expected an address such as 127.0.0.1 or [::1] before the port"))?;
                (Some(address), ports)
            }
        };
        let ranges = ports.split(',').map(parse_range).collect::<Result<_, _>>().map_err(invalid)?;
        Ok(Self { text: text.to_owned(), ranges, protocol, address })
    }
}

fn parse_address(text: &str) -> Option<IpAddr> {
    let address = match text.strip_prefix('[') {
        Some(rest) => IpAddr::V6(rest.strip_suffix(']')?.parse().ok()?),
        None => IpAddr::V4(text.parse().ok()?),
    };
    Some(address.to_canonical())
}

fn parse_range(text: &str) -> Result<(u16, u16), &'static str> {
    let (low, high) = text.split_once('-').unwrap_or((text, text));
    let (low, high) = (parse_port(low)?, parse_port(high)?);
    if low > high { Err("the range is reversed, its first port is above its last") } else { Ok((low, high)) }
}

/// Parsing an integer would let `+80` pass.
fn parse_port(text: &str) -> Result<u16, &'static str> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|&port| digits && port > 0).ok_or(EXPECTED)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> PortSpec {
        text.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn every_way_of_the_contract_to_name_ports_is_understood() {
        assert_eq!(parse("8000").ranges(), [(8000, 8000)]);
        assert_eq!(parse(":8000").ranges(), [(8000, 8000)]);
        assert_eq!(parse("8000-8099").ranges(), [(8000, 8099)]);
        assert_eq!(parse("8000,8005-8007").ports().collect::<Vec<_>>(), [8000, 8005, 8006, 8007]);
        assert_eq!(parse("53/udp").protocol(), Some(Protocol::Udp));
        assert_eq!(parse("127.0.0.1:8000/tcp").address(), Some([127, 0, 0, 1].into()));
        assert_eq!(parse("[::1]:8000").address(), Some("::1".parse().expect("an address")));
        assert_eq!(parse("[::ffff:127.0.0.1]:8000").address(), Some([127, 0, 0, 1].into()));
    }

    #[test]
    fn ports_are_shown_as_they_were_written() {
        for text in ["8000", ":8000", "8000,8005-8007/udp", "[::1]:8000"] {
            assert_eq!(parse(text).to_string(), text);
        }
        assert_eq!(PortSpec::range(8000, 8099).to_string(), "8000-8099");
    }

    #[test]
    fn anything_else_is_refused_and_quoted() {
        for text in [
            "",
            "0",
            "80x",
            "9-3",
            "70000",
            "+80",
            "-80",
            "80-",
            ",",
            "80,",
            "80 ",
            "8 0",
            "8000-8099-8100",
            "80/sctp",
            "80/",
            "/tcp",
            "localhost:80",
            "::1:80",
            "[::1]",
            "1.2.3:80",
            "[127.0.0.1]:80",
            "80-0",
            "0-80",
            "٣",
        ] {
            let error = text.parse::<PortSpec>().expect_err(text).to_string();
            assert!(error.starts_with(&format!("invalid port {text:?}: ")), "{error}");
        }
    }
}
