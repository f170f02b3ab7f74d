//! The addresses of a host, looked up beside the attempts.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs},
    time::Duration,
};

use tokio::time::Instant;

use super::beside::Beside;
use crate::{
    reason::{Reason, Sign},
    schedule::{Schedule, limit::Limit, until},
    target::host::Host,
};

/// How long the addresses of a host are believed.
const FRESH: Duration = Duration::from_secs(1);
/// How soon a host that could not be found is looked up again.
const AGAIN: Duration = Duration::from_millis(250);

/// How long the addresses that are known without a lookup are asked before one begins.
const HEAD_START: Duration = Duration::from_millis(5);

/// Looks up a host again and again, for as long as it is asked to.
///
/// The system's resolver can hang for much longer than an attempt may take and cannot be interrupted. It works on a
/// thread of its own; no second one is started before the first has come back.
#[derive(Debug)]
pub(crate) struct Lookup {
    host: Host,
    schedule: Schedule,
    limit: Option<Limit>,
    not_before: Option<Instant>,
    running: Option<Beside<Vec<SocketAddr>>>,
}

impl Lookup {
    pub(crate) fn new(host: Host, schedule: Schedule) -> Self {
        // what is known of this machine is being asked already, and most often answers
        let not_before = host.is_localhost().then(|| Instant::now() + HEAD_START);
        Self { host, schedule, limit: None, not_before, running: None }
    }

    /// Returns the host's addresses of now. May be dropped and called again.
    pub(crate) async fn next(&mut self) -> Result<Vec<SocketAddr>, Reason> {
        if self.not_before.is_some() {
            until(self.not_before).await;
            self.not_before = None;
        }
        let running = match &mut self.running {
            Some(running) => running,
            none => {
                self.not_before = Some(Instant::now() + AGAIN);
                none.insert(begin(&self.host)?)
            }
        };
        let limit = self.limit.get_or_insert_with(|| self.schedule.limit(Instant::now()));
        let found = limit.keep(running).await.ok_or_else(|| limit.passed("no answer from DNS"));
        self.limit = None;
        let found = match found {
            Ok(found) => found,
            // what is known of this machine is all of it, as when the resolver fails
            Err(_) if self.host.is_localhost() => return Ok(known(&self.host)),
            Err(reason) => return Err(reason),
        };
        self.running = None;
        self.not_before = Some(Instant::now() + if found.is_ok() { FRESH } else { AGAIN });
        found.map_err(|error| not_found(&self.host, &error))
    }
}

/// Looks up a host once.
pub(crate) async fn addresses(host: &Host) -> Result<Vec<SocketAddr>, Reason> {
    if let Some(address) = host.literal() {
        return Ok(vec![address]);
    }
    begin(host)?.await.map_err(|error| not_found(host, &error))
}

fn begin(host: &Host) -> Result<Beside<Vec<SocketAddr>>, Reason> {
    let host = host.clone();
    Beside::begin(move || resolve(&host))
}

/// Returns the addresses that need no looking up: `localhost` is this machine, whatever its hosts file forgot to say
/// (RFC 6761, section 6.3); servers listen on either family.
pub(crate) fn known(host: &Host) -> Vec<SocketAddr> {
    if let Some(address) = host.literal() {
        return vec![address];
    }
    if host.is_localhost() {
        let both = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        return both.into_iter().map(|address| SocketAddr::new(address, host.port)).collect();
    }
    Vec::new()
}

fn resolve(host: &Host) -> io::Result<Vec<SocketAddr>> {
    let mut found = known(host);
    match (host.name.as_str(), host.port).to_socket_addrs() {
        Ok(addresses) => found.extend(addresses),
        Err(error) if found.is_empty() => return Err(error),
        Err(_) => {}
    }
    // a hosts file may name an address twice
    let mut seen = Vec::with_capacity(found.len());
    found.retain(|address| {
        !seen.contains(address) && {
            seen.push(*address);
            true
        }
    });
    Ok(found)
}

fn not_found(host: &Host, error: &io::Error) -> Reason {
    let words = proc_tree::cli::text::os_error(error);
    let words = words.rsplit(": ").next().unwrap_or(&words).to_lowercase();
    Reason::new(Sign::Unclear, format!("cannot resolve {}: {words}", proc_tree::cli::text::escape(&host.name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn localhost_is_both_families_whatever_the_hosts_file_says() {
        for name in ["localhost", "localhost.", "app.localhost"] {
            let addresses = resolve(&Host { name: name.into(), port: 80, at: None }).expect("this machine");
            for expected in ["127.0.0.1:80", "[::1]:80"] {
                let expected: SocketAddr = expected.parse().expect("an address");
                assert_eq!(
                    addresses.iter().filter(|&&address| address == expected).count(),
                    1,
                    "{name}: {addresses:?}"
                );
            }
        }
    }

    #[test]
    fn a_name_that_cannot_be_found_is_named() {
        let host = Host { name: "no-such-host.invalid".into(), port: 80, at: None };
        let error = resolve(&host).expect_err("RFC 6761 keeps .invalid free");
        assert!(not_found(&host, &error).text.starts_with("cannot resolve no-such-host.invalid: "));
    }
}
