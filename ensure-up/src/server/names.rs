//! Which servers are meant by names and ports. Ports are the machine's; names are those of a folder.

use std::path::PathBuf;

use port_who::Protocol;
use proc_tree::Identity;

use super::{phase::Phase, record::ServerRecord};
use crate::Port;

/// From where servers are named.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// The folders whose services are meant: the services file's, and the working folder.
    pub folders: Vec<PathBuf>,
    /// Whether all of the user's are meant.
    pub everywhere: bool,
}

/// What a name or a port means.
#[derive(Debug, Clone, PartialEq)]
pub enum Meant<'k> {
    /// This server.
    One(&'k Known),
    /// More than one server bears the name.
    Several(Vec<&'k Known>),
    /// A port of which nothing is recorded.
    Port(Port),
    /// Nothing that is known.
    Unknown,
}

/// A server that is known of.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// Its record, found again if it was lost.
    pub record: ServerRecord,
    /// Whether it, or what starts it again, runs, or has left something behind.
    pub is_alive: bool,
    /// What runs of it though it does not.
    pub left: Vec<Identity>,
    /// Whether it was started with this state folder.
    pub is_of_this_place: bool,
}

impl Scope {
    /// Tells whether a server is of one of the folders.
    fn has(&self, known: &Known) -> bool {
        self.everywhere || self.folders.contains(&known.record.service.folder)
    }

    /// Lists the servers that are meant where none is named: those that were not stopped on purpose.
    pub fn all<'k>(&self, known: &'k [Known]) -> Vec<&'k Known> {
        let is_meant = |known: &&Known| {
            self.has(known) && known.is_of_this_place && (known.is_alive || known.record.phase != Phase::Stopped)
        };
        known.iter().filter(is_meant).collect()
    }

    /// Lists the servers of this folder that were stopped on purpose.
    pub fn ended<'k>(&self, known: &'k [Known]) -> Vec<&'k Known> {
        let is_ended = |known: &&Known| {
            self.has(known) && known.is_of_this_place && !known.is_alive && known.record.phase == Phase::Stopped
        };
        known.iter().filter(is_ended).collect()
    }

    /// Finds what a word means.
    pub fn find<'k>(&self, word: &str, known: &'k [Known]) -> Meant<'k> {
        if let Ok(port) = word.parse() {
            let mut found = on_port(port, word, known);
            // where all have ended, those of this folder come first
            if found.iter().any(|known| self.has(known)) && !found.iter().any(|known| known.is_alive) {
                found.retain(|known| self.has(known));
            }
            return one_of(found, false).unwrap_or(Meant::Port(port));
        }
        let is_named = |known: &&Known| self.has(known) && known.record.service.name.as_deref() == Some(word);
        // a bare command goes by its program
        let is_called =
            |known: &&Known| self.has(known) && known.record.service.name.is_none() && known.record.name == word;
        let named = one_of(known.iter().filter(is_named).collect(), true);
        named.or_else(|| one_of(known.iter().filter(is_called).collect(), true)).unwrap_or(Meant::Unknown)
    }
}

/// Tells whether a word means this port: a number alone may mean UDP's.
pub fn is_port(word: &str, port: Port) -> bool {
    word.parse().is_ok_and(|meant: Port| meant == port || (meant.number == port.number && !word.contains('/')))
}

/// A number alone means TCP's port, and where nothing is known of that, UDP's.
fn on_port<'k>(port: Port, word: &str, known: &'k [Known]) -> Vec<&'k Known> {
    let on = |port: Port| -> Vec<&Known> { known.iter().filter(|known| known.record.port == Some(port)).collect() };
    let found = on(port);
    if found.is_empty() && !word.contains('/') { on(Port { protocol: Protocol::Udp, ..port }) } else { found }
}

/// Those that run come first: one that ended is history beside them.
fn one_of(mut found: Vec<&Known>, is_name: bool) -> Option<Meant<'_>> {
    if found.iter().any(|known| known.is_alive) {
        found.retain(|known| known.is_alive);
    } else if found.iter().any(|known| known.record.phase != Phase::Stopped) {
        found.retain(|known| known.record.phase != Phase::Stopped);
    }
    // so do those that were started with this state folder
    if found.iter().any(|known| known.is_of_this_place) {
        found.retain(|known| known.is_of_this_place);
    }
    match found.as_slice() {
        [] => None,
        [_, _, ..] if is_name => Some(Meant::Several(found)),
        [one, ..] => Some(Meant::One(one)),
    }
}
