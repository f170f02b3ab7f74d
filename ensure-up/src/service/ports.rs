//! The ports that a service may take.

use std::{fmt, str::FromStr};

use port_who::{PortSpec, Protocol};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// The port that a server is on: TCP, unless UDP is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Port {
    /// Its number.
    pub number: u16,
    /// Its protocol.
    pub protocol: Protocol,
}

impl Port {
    /// A port of TCP, as nearly every server has.
    pub fn tcp(number: u16) -> Self {
        Self { number, protocol: Protocol::Tcp }
    }

    /// Tells whether it is one of datagrams: nobody listens there, it is bound.
    pub(crate) fn is_udp(self) -> bool {
        self.protocol == Protocol::Udp
    }
}

impl FromStr for Port {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let ports: Ports = text.parse()?;
        ports.only().ok_or_else(|| format!("invalid port {text:?}: expected one port, such as 8000 or 5353/udp"))
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.protocol {
            Protocol::Tcp => f.pad(&self.number.to_string()),
            Protocol::Udp => f.pad(&format!("{}/udp", self.number)),
        }
    }
}

/// A number, or the text of one that is not TCP's.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Stored {
    Number(u16),
    Text(String),
}

impl Serialize for Port {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let stored = if self.is_udp() { Stored::Text(self.to_string()) } else { Stored::Number(self.number) };
        stored.serialize(serializer)
    }
}

impl<'d> Deserialize<'d> for Port {
    fn deserialize<D: Deserializer<'d>>(deserializer: D) -> Result<Self, D::Error> {
        match Stored::deserialize(deserializer)? {
            Stored::Number(number) => Ok(Self::tcp(number)),
            Stored::Text(text) => text.parse().map_err(D::Error::custom),
        }
    }
}

/// The ports that a server may take: one, or the first free one of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    low: u16,
    high: u16,
    protocol: Protocol,
}

impl Ports {
    /// Tells whether there is a choice.
    pub fn is_range(self) -> bool {
        self.low != self.high
    }

    /// Returns the lowest.
    pub fn first(self) -> Port {
        self.at(self.low)
    }

    /// Returns the highest.
    pub fn last(self) -> Port {
        self.at(self.high)
    }

    /// Returns the port, where there is no choice.
    pub fn only(self) -> Option<Port> {
        (!self.is_range()).then(|| self.first())
    }

    /// Lists them all, the lowest first.
    pub fn all(self) -> impl Iterator<Item = Port> {
        (self.low..=self.high).map(move |number| self.at(number))
    }

    /// Tells whether a port is one of them.
    pub fn has(self, port: Port) -> bool {
        port.protocol == self.protocol && (self.low..=self.high).contains(&port.number)
    }

    /// Returns the port of this number, by their protocol.
    pub fn at(self, number: u16) -> Port {
        Port { number, protocol: self.protocol }
    }
}

impl From<Port> for Ports {
    fn from(Port { number, protocol }: Port) -> Self {
        Self { low: number, high: number, protocol }
    }
}

impl FromStr for Ports {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let spec: PortSpec = text.parse().map_err(|error: port_who::InvalidPort| error.to_string())?;
        let protocol = spec.protocol().unwrap_or(Protocol::Tcp);
        match (spec.ranges(), spec.address()) {
            (&[(low, high)], None) => Ok(Self { low, high, protocol }),
            _ => Err(format!("invalid port {text:?}: expected one port or one range, such as 8000 or 8000-8099")),
        }
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.only() {
            Some(port) => port.fmt(f),
            None => write!(f, "{}-{}", self.low, self.last()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_port_or_one_range_is_asked_for_and_reads_as_it_is_written() {
        for (text, written) in
            [("8000", "8000"), ("8000/tcp", "8000"), ("5353/udp", "5353/udp"), ("8000-8099/udp", "8000-8099/udp")]
        {
            assert_eq!(text.parse::<Ports>().expect(text).to_string(), written);
        }
        for text in ["0", "80x", "9-3", "70000", "8000,8001", "8000/sctp", "127.0.0.1:8000", ""] {
            let error = text.parse::<Ports>().expect_err(text);
            assert!(error.starts_with(&format!("invalid port {text:?}: ")), "{error}");
        }
        assert!("8000-8001".parse::<Port>().is_err());
    }

    #[test]
    fn a_port_of_tcp_is_kept_as_a_number() {
        for (port, stored) in [("80", "80"), ("53/udp", r#""53/udp""#)] {
            let port: Port = port.parse().expect("a port");
            assert_eq!(serde_json::to_string(&port).expect("written"), stored);
            assert_eq!(serde_json::from_str::<Port>(stored).expect("read"), port);
        }
    }
}
