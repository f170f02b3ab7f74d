//! Where a server is asked for its health, and how that is shown.

use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    path::Path,
};

use health_wait::{InvalidTarget, Target};

use super::ports::Port;
use crate::{
    health::{Question, deserted::Deserted, program::Program},
    server::{
        holding::Holding,
        port::{listener, reachable},
        stranger::Stranger,
    },
};

/// Where one server is, as far as that matters to whoever asks it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Site<'s> {
    /// The health targets that were asked for: each a path or a whole target.
    pub(crate) health: &'s [String],
    /// The service's folder, in which targets name files and sockets.
    pub(crate) folder: &'s Path,
    /// Its port, if it has one.
    pub(crate) port: Option<Port>,
    /// Where it listens.
    pub(crate) listener: Option<SocketAddr>,
    /// Its program, if that listens before it serves.
    pub(crate) program: Option<Program>,
    /// Whether what listens there may be left of those that served.
    pub(crate) deserted: Option<Deserted>,
    /// Whether `localhost` may be another program.
    pub(crate) has_stranger: bool,
}

impl<'s> Site<'s> {
    /// Finds out where a server is by who holds its port; by its command where nobody may see who that is.
    pub(crate) fn of(
        health: &'s [String],
        folder: &'s Path,
        port: Option<Port>,
        holdings: &[Holding],
        command: &[impl AsRef<Path>],
    ) -> Self {
        let program = Program::of(Holding::processes(holdings), command.first().map(AsRef::as_ref));
        Self { health, folder, port, listener: listener(holdings), program, deserted: None, has_stranger: false }
    }

    /// Knows whether those who hold the port may be left of those that served.
    pub(crate) fn left(self, deserted: Option<Deserted>) -> Self {
        Self { deserted, ..self }
    }

    /// Knows whether another program is on the port, too.
    pub(crate) fn stranger(self, stranger: Option<&Stranger>) -> Self {
        Self { has_stranger: stranger.is_some(), ..self }
    }

    /// Says what to ask: without `health` a port of TCP has to accept, and its program to serve; a path is asked for there,
    /// anything else is a target of its own. Without all of that the server is up by being there.
    ///
    /// # Errors
    /// When `health` is no target.
    pub(crate) fn question(&self) -> Result<Question, InvalidTarget> {
        let program = self.program.filter(|_| self.health.is_empty()).zip(self.address());
        // an answer has been given by somebody
        let deserted = self.deserted.filter(|_| self.health.is_empty());
        Ok(Question { targets: self.targets()?, program, deserted })
    }

    fn address(&self) -> Option<SocketAddr> {
        self.listener.filter(|_| self.port.is_some_and(|port| !port.is_udp())).map(reachable)
    }

    fn targets(&self) -> Result<Vec<Target>, InvalidTarget> {
        match (self.health, self.address()) {
            ([], None) => Ok(Vec::new()),
            ([], Some(address)) => Ok(vec![format!("tcp://{address}").parse()?]),
            (health, address) => health.iter().map(|text| Ok(target(text, address)?.in_folder(self.folder))).collect(),
        }
    }

    /// Writes the server's base as people do: with `localhost` for the usual addresses of this machine, where that leads to
    /// nobody else. That it speaks HTTP is known by the first health target that says so. `None` where it has no address.
    pub(crate) fn url(&self) -> Option<String> {
        let listener = self.listener?;
        let address = reachable(listener);
        let is_usual = address.ip() == Ipv4Addr::LOCALHOST || address.ip() == Ipv6Addr::LOCALHOST;
        let address =
            if is_usual && !self.has_stranger { format!("localhost:{}", address.port()) } else { address.to_string() };
        if self.port.is_some_and(Port::is_udp) {
            return Some(format!("udp://{address}"));
        }
        let said = |target: &String| {
            if target.starts_with('/') { Some(format!("http://{address}")) } else { base(target, listener.port()) }
        };
        Some(self.health.iter().find_map(said).unwrap_or_else(|| format!("tcp://{address}")))
    }
}

fn target(text: &str, address: Option<SocketAddr>) -> Result<Target, InvalidTarget> {
    match address {
        Some(address) if text.starts_with('/') => Target::path_at(text, address),
        // another program may have the other address
        Some(address) => Ok(text.parse::<Target>()?.at_address_of_localhost(address)),
        None => text.parse(),
    }
}

/// Returns scheme, host and port of an HTTP target that is on this port; another one says nothing of the server's own base.
fn base(target: &str, port: u16) -> Option<String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_asked_where_it_listens() {
        for (health, port, address, shown, asked) in [
            ("", "80", "0.0.0.0:80", "tcp://localhost:80", "tcp://127.0.0.1:80"),
            ("/h", "80", "[::]:80", "http://localhost:80", "/h"),
            ("/h", "80", "127.0.0.2:80", "http://127.0.0.2:80", "/h"),
            ("https://u:p@a.test:80/h?x=:1", "80", "[::]:80", "https://a.test:80", "https://u:***@a.test:80/h?x=:1"),
            ("http://[::1]/h", "80", "[::1]:80", "http://[::1]", "http://[::1]/h"),
            ("http://a.test:81/h", "80", "[::1]:80", "tcp://localhost:80", "http://a.test:81/h"),
            ("unix:/x", "80", "127.0.0.1:80", "tcp://localhost:80", "unix:/x"),
            ("unix:/x https://a.test:80/ /h", "80", "[::1]:80", "https://a.test:80", "unix:/x https://a.test:80/ /h"),
            ("", "53/udp", "0.0.0.0:53", "udp://localhost:53", ""),
            ("file:/x", "53/udp", "0.0.0.0:53", "udp://localhost:53", "file:/x"),
            ("", "", "", "", ""),
            ("file:/x file:/y", "", "", "", "file:/x file:/y"),
        ] {
            let health: Vec<String> = health.split_whitespace().map(str::to_owned).collect();
            let (port, listener) = (port.parse().ok(), address.parse().ok());
            let (folder, program, deserted) = (Path::new("/"), None, None);
            let site = Site { health: &health, folder, port, listener, program, deserted, has_stranger: false };
            assert_eq!(site.url().unwrap_or_default(), shown);
            let by_address = Site { has_stranger: true, ..site }.url().unwrap_or_default();
            let at = listener.map(reachable).map(|address| address.to_string()).unwrap_or_default();
            assert_eq!(by_address, shown.replacen("localhost:80", &at, 1).replacen("localhost:53", &at, 1));
            let targets = site.targets().expect("targets");
            assert_eq!(targets.iter().map(Target::to_string).collect::<Vec<_>>().join(" "), asked);
        }
    }
}
