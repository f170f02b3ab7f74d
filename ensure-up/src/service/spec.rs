//! What is asked for: a server on a port, how it is started, known again, found healthy and stopped.

use std::{
    ffi::{OsStr, OsString},
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use health_wait::{Settings, Target};
use port_who::PortSpec;
use proc_tree::Signal;
use regex::{Regex, bytes};

use crate::{KeepUp, server::record};

/// The ports that a server may take: one, or the first free one of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    /// The lowest.
    pub low: u16,
    /// The highest.
    pub high: u16,
}

impl Ports {
    /// Tells whether there is a choice.
    pub fn is_range(self) -> bool {
        self.low != self.high
    }
}

impl FromStr for Ports {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let spec: PortSpec = text.parse().map_err(|error: port_who::InvalidPort| error.to_string())?;
        match (spec.ranges(), spec.protocol(), spec.address()) {
            (&[(low, high)], None, None) => Ok(Self { low, high }),
            _ => Err(format!("invalid port {text:?}: expected one port or one range, such as 8000 or 8000-8099")),
        }
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_range() { write!(f, "{}-{}", self.low, self.high) } else { write!(f, "{}", self.low) }
    }
}

/// Which server without a record may be taken for the one that is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Adopt {
    /// One that matches.
    #[default]
    Match,
    /// Whatever holds the port and is healthy.
    Any,
    /// None.
    Never,
}

/// What to do about a server that is there already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Existing {
    /// Which one may be adopted.
    pub adopt: Adopt,
    /// Stop ours first, then start.
    pub restart: bool,
    /// Stop ours first when it was started otherwise than is asked now.
    pub restart_if_changed: bool,
    /// Stop a foreign one first, then start.
    pub replace: bool,
}

/// A server that shall be up.
#[derive(Debug, Clone)]
pub struct Service {
    /// The name that was given to it.
    pub name: Option<String>,
    /// Where it shall listen.
    pub ports: Ports,
    /// The command, with `{port}` where the port belongs.
    pub command: Vec<OsString>,
    /// The folder to start it in.
    pub cwd: PathBuf,
    /// The variables that were asked for, on top of the caller's.
    pub environment: Vec<(OsString, OsString)>,
    /// The health target: a path on the port, or any target, with `{port}`.
    pub health: Option<String>,
    /// How health is asked for.
    pub settings: Settings,
    /// The same as command line arguments, for the record.
    pub probe: Vec<String>,
    /// What the command line of a server that is ours without a record matches.
    pub matching: Option<Regex>,
    /// What the log says when it is ready.
    pub ready_log: Option<bytes::Regex>,
    /// What the log says when it failed.
    pub fail_log: Option<bytes::Regex>,
    /// Whether it says `READY=1` on `NOTIFY_SOCKET`, as `sd_notify(3)`.
    pub ready_notify: bool,
    /// How long it may take; `None`: as long as it lives.
    pub timeout: Option<Duration>,
    /// The log, with `{port}`; `None`: in the folder of logs.
    pub log: Option<String>,
    /// How many old logs are kept.
    pub log_keep: u32,
    /// The signal that ends it.
    pub stop_signal: Signal,
    /// How long it may take to end.
    pub grace: Duration,
    /// The names of the services that it needs.
    pub depends_on: Vec<String>,
    /// How it is kept up; `None`: it is not.
    pub keep_up: Option<KeepUp>,
}

impl Service {
    /// Returns the command for a port.
    pub fn command(&self, port: u16) -> Vec<OsString> {
        self.command.iter().map(|word| with_port(word, port)).collect()
    }

    /// Returns the name that it goes by: its own, else that of its program.
    pub fn name(&self) -> String {
        self.name.clone().unwrap_or_else(|| {
            let program = self.command.first().map(Path::new).and_then(Path::file_name).unwrap_or_default();
            program.to_string_lossy().into_owned()
        })
    }

    /// Returns the whole environment of the server on a port.
    pub fn whole_environment(&self, port: u16) -> Vec<(OsString, OsString)> {
        let mut environment: Vec<(OsString, OsString)> = std::env::vars_os().collect();
        let port = (OsString::from("PORT"), OsString::from(port.to_string()));
        for (name, value) in std::iter::once(&port).chain(&self.environment) {
            environment.retain(|(known, _)| known != name);
            environment.push((name.clone(), value.clone()));
        }
        environment
    }

    /// Fingerprints the variables that were asked for.
    pub fn environment_fingerprint(&self) -> u64 {
        record::fingerprint(self.environment.iter().flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()]))
    }

    /// Returns the log's path for a port.
    pub fn log_path(&self, folder: &Path, port: u16) -> PathBuf {
        match &self.log {
            Some(path) => std::path::absolute(with_port(OsStr::new(path), port)).unwrap_or_else(|_| path.into()),
            None => folder.join(format!("{port}.log")),
        }
    }

    /// Tells whether the answer itself says whose server it is.
    pub fn is_known_by_answer(&self) -> bool {
        self.settings.has_identity()
    }

    /// Returns the health target that was asked for, for a port.
    pub fn health(&self, port: u16) -> Option<String> {
        self.health.as_ref().map(|text| text.replace("{port}", &port.to_string()))
    }
}

fn with_port(word: &OsStr, port: u16) -> OsString {
    let (pattern, number) = (b"{port}", port.to_string());
    let mut rest = word.as_bytes();
    let mut made = Vec::with_capacity(rest.len());
    while let Some(at) = rest.windows(pattern.len()).position(|window| window == pattern) {
        made.extend_from_slice(&rest[..at]);
        made.extend_from_slice(number.as_bytes());
        rest = &rest[at + pattern.len()..];
    }
    made.extend_from_slice(rest);
    OsString::from_vec(made)
}

/// Makes the target to ask on an address where the server listens: without `health` the port has to accept, a path is
/// asked for there, anything else is a target of its own.
///
/// # Errors
/// When `health` is no target.
pub fn target(health: Option<&str>, listener: SocketAddr) -> Result<Target, health_wait::InvalidTarget> {
    let address = reachable(listener);
    match health {
        None => format!("tcp://{address}").parse(),
        Some(path) if path.starts_with('/') => format!("http://{address}{path}").parse(),
        Some(target) => target.parse(),
    }
}

/// Writes the target as people do: with `localhost` for the usual addresses of this machine.
pub fn url(health: Option<&str>, listener: SocketAddr) -> String {
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
    fn the_port_takes_its_place_in_every_word_also_in_one_that_is_not_text() {
        let word = OsString::from_vec(b"\xff{port}:{port}{po".to_vec());
        assert_eq!(with_port(&word, 80), OsString::from_vec(b"\xff80:80{po".to_vec()));
    }

    #[test]
    fn one_port_or_one_range_is_asked_for() {
        assert_eq!("8000-8099".parse(), Ok(Ports { low: 8000, high: 8099 }));
        for text in ["0", "80x", "9-3", "70000", "8000,8001", "8000/tcp", "127.0.0.1:8000", ""] {
            let error = text.parse::<Ports>().expect_err(text);
            assert!(error.starts_with(&format!("invalid port {text:?}: ")), "{error}");
        }
    }

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
