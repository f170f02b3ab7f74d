//! A host and its port, in every form that an address takes.

use std::{
    net::{IpAddr, SocketAddr, SocketAddrV6},
    ops::Range,
};

use nix::net::if_::if_nametoindex;
use url::Url;

/// Where to connect: a name or an address (IPv6 without brackets, with its zone), and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Host {
    pub(crate) name: String,
    pub(crate) port: u16,
    /// The address that the name stands for, whatever else it may mean.
    pub(crate) at: Option<IpAddr>,
}

impl Host {
    /// Makes a port of this machine, on every address that `localhost` has.
    pub(crate) fn local(port: u16) -> Self {
        Self { name: "localhost".into(), port, at: None }
    }

    /// Returns the address, where it is written as one, or the name was given one.
    ///
    /// A zone is an interface's name or number (RFC 4007, section 11). The resolver would take it for link-local
    /// addresses only.
    pub(crate) fn literal(&self) -> Option<SocketAddr> {
        if let Some(address) = self.at {
            return Some(SocketAddr::new(address, self.port));
        }
        let Some((address, zone)) = self.name.split_once('%') else {
            return self.name.parse::<IpAddr>().ok().map(|address| SocketAddr::new(address, self.port));
        };
        let zone = zone.parse().ok().or_else(|| if_nametoindex(zone).ok())?;
        Some(SocketAddrV6::new(address.parse().ok()?, self.port, 0, zone).into())
    }

    /// Tells whether the name means this machine wherever it is used (RFC 6761, section 6.3).
    pub(crate) fn is_localhost(&self) -> bool {
        let name = self.name.strip_suffix('.').unwrap_or(&self.name);
        name == "localhost" || name.ends_with(".localhost")
    }

    /// Returns the name or address without the zone, which is of no meaning but on this machine.
    pub(crate) fn without_zone(&self) -> &str {
        self.name.split('%').next().unwrap_or_default()
    }

    /// Returns host and port as a URL's authority.
    pub(crate) fn authority(&self) -> String {
        let name = self.without_zone();
        if name.contains(':') { format!("[{name}]:{}", self.port) } else { format!("{name}:{}", self.port) }
    }

    /// Returns where a URL leads.
    pub(crate) fn of_url(url: &Url, zone: Option<String>) -> Result<Self, String> {
        let name = match url.host() {
            None | Some(url::Host::Domain("")) => return Err("empty host".into()),
            Some(url::Host::Ipv6(address)) => with_zone(address.to_string(), zone),
            Some(other) => other.to_string(),
        };
        match url.port_or_known_default() {
            Some(port @ 1..) => Ok(Self { name, port, at: None }),
            _ => Err(NOT_A_PORT.into()),
        }
    }
}

/// Tells whether an address is this machine's own loopback.
pub(crate) fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

const NOT_A_PORT: &str = "expected a port from 1 to 65535";

/// Parses `host:port`, `:port` (this machine) and `[IPv6]:port`.
pub(super) fn parse(text: &str) -> Result<Host, String> {
    let (text, zone) = take_zone(text)?;
    let Some((name, port)) = text.rsplit_once(':').filter(|(name, _)| !is_open_bracket(name)) else {
        return Err(format!("the port is missing; {NOT_A_PORT} after the host"));
    };
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    let port = match port.parse() {
        Ok(port @ 1..) if digits => port,
        _ => return Err(format!("{port:?} is no port; {NOT_A_PORT}")),
    };
    if name.is_empty() {
        return Ok(Host::local(port));
    }
    if name.contains(':') && !name.starts_with('[') {
        return Err(format!("an IPv6 address stands in brackets, as in [{name}]:{port}"));
    }
    match url::Host::parse(name) {
        Ok(url::Host::Ipv6(address)) => Ok(Host { name: with_zone(address.to_string(), zone), port, at: None }),
        Ok(other) => Ok(Host { name: other.to_string(), port, at: None }),
        Err(error) => Err(format!("{name:?} is no host or address ({error})")),
    }
}

/// `[::1]` ends in a colon's successor, but that colon is not the one before a port.
fn is_open_bracket(name: &str) -> bool {
    name.starts_with('[') && !name.ends_with(']')
}

fn with_zone(address: String, zone: Option<String>) -> String {
    match zone {
        Some(zone) => format!("{address}%{zone}"),
        None => address,
    }
}

/// Finds the authority of a URL as it was written: its user, its host, its port.
pub(super) fn authority(url: &str) -> Option<Range<usize>> {
    // what a URL's reader skips
    let start = url.len() - url[url.find("://")? + 3..].trim_start_matches(['/', '\\', '\t', '\n', '\r']).len();
    let end = url[start..].find(['/', '\\', '?', '#']).map_or(url.len(), |end| start + end);
    Some(start..end)
}

/// Takes the zone out of an authority's `[fe80::1%eth0]`, or out of `[fe80::1%25eth0]` as RFC 6874 has it in a URL:
/// URL parsers know no zones.
pub(super) fn take_zone(authority: &str) -> Result<(String, Option<String>), String> {
    let host = authority.rfind('@').map_or(0, |at| at + 1);
    let zoned = authority[host..].starts_with('[').then_some(host).and_then(|open| {
        let close = open + authority[open..].find(']')?;
        let percent = open + authority[open..close].find('%')?;
        Some((percent, close))
    });
    let Some((percent, close)) = zoned else { return Ok((authority.to_owned(), None)) };
    let zone = &authority[percent + 1..close];
    let zone = zone.strip_prefix("25").filter(|zone| !zone.is_empty()).unwrap_or(zone);
    if zone.is_empty() || !zone.bytes().all(|byte| byte.is_ascii_graphic() && !b"%/[]".contains(&byte)) {
        return Err(format!("{zone:?} is no zone of an IPv6 address"));
    }
    Ok((format!("{}{}", &authority[..percent], &authority[close..]), Some(zone.to_owned())))
}
