//! What is waited for: a URL, an address, a socket, a file, a process or a port.

use std::{fmt, net::SocketAddr, ops::Range, path::Path, str::FromStr};

pub(crate) mod host;
pub(crate) mod kind;
mod parse;

use host::Host;
use kind::{Kind, Place};

use crate::options::ProbeOptions;

/// Something whose health can be asked for.
///
/// Parsed from the forms that the command line takes; shown as it was written, but for a URL's password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    text: String,
    pub(crate) kind: Kind,
}

/// A text that names no target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid target {text:?}: {reason}")]
pub struct InvalidTarget {
    text: String,
    reason: String,
}

impl Target {
    /// Makes the target that a port of this machine accepts connections.
    pub fn port(port: u16) -> Self {
        Self { text: format!(":{port}"), kind: Kind::Connect(Place::Host(Host::local(port))) }
    }

    /// Makes the target of an HTTP path at an address, which is shown as the path alone.
    ///
    /// # Errors
    /// When the path is none.
    pub fn path_at(path: &str, address: SocketAddr) -> Result<Self, InvalidTarget> {
        if !path.starts_with('/') {
            return Err(InvalidTarget { text: path.into(), reason: "a path starts with a slash".into() });
        }
        Ok(Self { text: path.into(), ..format!("http://{address}{path}").parse()? })
    }

    /// Returns how a target is spelled here that somebody wrote as for another program.
    pub fn respelled(text: &str) -> Option<String> {
        parse::respelled(text)
    }

    /// Returns the target that a line for the shell stands for; `None` for what is no such line.
    pub fn as_command(text: &str) -> Option<String> {
        parse::as_command(text)
    }

    /// Takes what it names without a folder to be in this one: a file, a socket, what a command finds.
    #[must_use]
    pub fn in_folder(mut self, folder: &Path) -> Self {
        match &mut self.kind {
            Kind::File(path) | Kind::Connect(Place::Socket(path)) | Kind::Http { place: Place::Socket(path), .. } => {
                *path = folder.join(&*path);
            }
            Kind::Exec { folder: own, .. } => *own = Some(folder.into()),
            _ => {}
        }
        self
    }

    /// Asks a target whose host is `localhost` at one of the addresses that this means, where its port is that.
    #[must_use]
    pub fn at_address_of_localhost(mut self, address: SocketAddr) -> Self {
        if let Kind::Http { place: Place::Host(host), .. } | Kind::Connect(Place::Host(host)) | Kind::Grpc { host, .. } =
            &mut self.kind
            && host.is_localhost()
            && host.port == address.port()
            && address.ip().is_loopback()
        {
            host.at = Some(address.ip());
        }
        self
    }

    /// Tells whether health is asked by a command that is run.
    pub fn is_command(&self) -> bool {
        matches!(self.kind, Kind::Exec { .. })
    }

    /// Returns the TCP port that is asked, of whatever host; `None` for what is asked elsewhere.
    pub fn tcp_port(&self) -> Option<u16> {
        match &self.kind {
            Kind::Http { place: Place::Host(host), .. }
            | Kind::Connect(Place::Host(host))
            | Kind::Grpc { host, .. } => Some(host.port),
            _ => None,
        }
    }

    /// Tells whether a healthy answer says which server gave it: by what is expected of it, or as a gRPC service by name.
    pub fn tells_server(&self, options: &ProbeOptions) -> bool {
        match &self.kind {
            Kind::Http { .. } => options.has_identity(),
            Kind::Grpc { service, .. } => !service.is_empty(),
            _ => false,
        }
    }

    /// Tells whether health is an HTTP answer, which expectations can look into.
    pub fn is_http(&self) -> bool {
        matches!(self.kind, Kind::Http { .. })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Target {
    type Err = InvalidTarget;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let kind = parse::parse(text).map_err(|reason| InvalidTarget { text: text.to_owned(), reason })?;
        Ok(Self { text: without_password(text, &kind), kind })
    }
}

/// A password must not end up in logs.
fn without_password(text: &str, kind: &Kind) -> String {
    let Kind::Http { url, .. } = kind else { return text.to_owned() };
    let hidden = url.password().and_then(|_| {
        let Range { start, end } = host::authority(text)?;
        let at = start + text[start..end].rfind('@')?;
        let colon = start + text[start..at].find(':')?;
        Some(format!("{}***{}", &text[..=colon], &text[at..]))
    });
    hidden.unwrap_or_else(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_shown_as_it_was_written() {
        for text in ["tcp://:5432", "[0:0::1]:80", "unix:///run/app.sock", "HTTP://Example.com", "file:/tmp/ready now"]
        {
            assert_eq!(text.parse::<Target>().expect(text).to_string(), text);
        }
        assert_eq!(Target::port(8000), ":8000".parse().expect("a target"));
    }

    #[test]
    fn what_is_no_target_is_quoted() {
        for text in ["", "80000", "ftp://x/"] {
            let error = text.parse::<Target>().expect_err(text).to_string();
            assert!(error.starts_with(&format!("invalid target {text:?}: ")), "{error}");
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        let target: Target = "http://user:secret@h:1/a:b@c".parse().expect("a URL");
        assert_eq!(target.to_string(), "http://user:***@h:1/a:b@c");
        let target: Target = "http:///\\user:secret@h:1/".parse().expect("browsers take it");
        assert_eq!(target.to_string(), "http:///\\user:***@h:1/");
    }
}
