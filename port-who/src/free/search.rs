//! A search for ports that are free.

use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    ops::RangeInclusive,
};

use super::{
    limits,
    occupancy::{Availability, Cause, FreeError, Occupancy, permission, protocols},
    trial::Trial,
};
use crate::{port::PortSpec, query::Query};

/// The ports below are for services that root starts.
const FIRST: u16 = 1024;

/// The free ports that were found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Free {
    /// The ports, each once, in the order in which they were asked for.
    pub ports: Vec<u16>,
    /// The first port that nobody holds and the caller may not bind.
    pub forbidden: Option<u16>,
    /// The first address that was named and is none of this machine's.
    pub foreign: Option<IpAddr>,
}

/// Finds the first `most` of the query's ports that are free and that the caller may bind. Without ports it takes any from
/// 1024 up that the kernel does not hand out to clients, in random order, so that two who ask at once hardly get the same.
///
/// # Errors
/// When the socket table cannot be read, or no socket can be made.
pub fn free(query: &Query, most: usize) -> Result<Free, FreeError> {
    let occupancy = Occupancy::read(query)?;
    let mut free = Free::default();
    if query.ports.is_empty() {
        let any = PortSpec::range(FIRST, u16::MAX);
        let ports = shuffled(beyond(&limits::ephemeral().map_err(Cause::Ephemeral)?), seed());
        free.search(&occupancy, query, ports.into_iter().map(|port| (&any, port)), most)?;
    } else {
        let ports = query.ports.iter().flat_map(|spec| spec.ports().map(move |port| (spec, port)));
        free.search(&occupancy, query, ports, most)?;
    }
    Ok(free)
}

impl Free {
    fn search<'s>(
        &mut self,
        occupancy: &Occupancy<'_>,
        query: &Query,
        ports: impl Iterator<Item = (&'s PortSpec, u16)>,
        most: usize,
    ) -> Result<(), FreeError> {
        let mut found = HashSet::new();
        for (spec, port) in ports {
            if self.ports.len() == most {
                break;
            }
            let is_meant = !found.contains(&port) && protocols(query, spec).next().is_some();
            if !is_meant || occupancy.of(spec, port)? != Availability::Free {
                continue;
            }
            match permission(query, spec, port)? {
                Trial::Bound => {
                    found.insert(port);
                    self.ports.push(port);
                }
                Trial::Taken => {}
                Trial::Forbidden => self.forbidden = self.forbidden.or(Some(port)),
                Trial::Foreign => self.foreign = self.foreign.or(spec.address()),
            }
        }
        Ok(())
    }
}

/// Returns the ports outside a range.
fn beyond(range: &RangeInclusive<u16>) -> Vec<u16> {
    (FIRST..=u16::MAX).filter(|port| !range.contains(port)).collect()
}

/// The keys of the standard library's hash maps are random, and need no crate of their own.
fn seed() -> u64 {
    RandomState::new().hash_one(std::process::id())
}

/// Shuffles: Fisher and Yates, with the numbers of xorshift64 (Marsaglia 2003).
fn shuffled(mut ports: Vec<u16>, seed: u64) -> Vec<u16> {
    let mut state = seed.max(1);
    for last in (1..ports.len()).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let bound = u64::try_from(last).map_or(u64::MAX, |last| last + 1);
        ports.swap(last, usize::try_from(state % bound).unwrap_or(last));
    }
    ports
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_that_the_kernel_hands_out_and_those_for_root_are_left_out() {
        let ports = beyond(&(32768..=60999));
        assert_eq!((ports.first(), ports.last(), ports.len()), (Some(&1024), Some(&65535), 31744 + 4536));
        assert!(!ports.contains(&32768) && !ports.contains(&60999) && ports.contains(&61000));
        assert!(beyond(&(1024..=65535)).is_empty());
        assert!(shuffled(Vec::new(), 1).is_empty());
    }

    #[test]
    fn a_shuffle_keeps_every_port_and_depends_on_its_seed() {
        let ports = beyond(&(2024..=u16::MAX));
        let [one, two] = [1, 2].map(|seed| shuffled(ports.clone(), seed));
        assert!(one != two && one != ports);
        let mut sorted = one;
        sorted.sort_unstable();
        assert_eq!(sorted, ports);
    }
}
