//! The holders of one address together, each process once and under its parent.
//!
//! A server that shares its port by SO_REUSEPORT has a socket per worker, and a forked worker has its parent's sockets
//! too: listed by socket, a process would stand there many times and a child far from its parent.

use std::collections::{BTreeMap, HashSet};

use proc_tree::Facts;

use crate::{answer::Holding, socket::Socket};

/// The holdings of sockets that a person cannot tell apart.
#[derive(Debug)]
pub(super) struct Group<'a> {
    holdings: Vec<&'a Holding>,
}

/// One row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) socket: &'a Socket,
    pub(super) process: Option<&'a Facts>,
    /// How many rows above it are its parents.
    pub(super) depth: usize,
}

/// Groups holdings, which are ordered by their sockets.
pub(super) fn groups(holdings: &[Holding]) -> Vec<Group<'_>> {
    let alike = |one: &Holding, other: &Holding| {
        let key = |holding: &Holding| {
            let socket = &holding.socket;
            (socket.local, socket.protocol, socket.state, socket.peer, socket.netns)
        };
        key(one) == key(other)
    };
    holdings.chunk_by(alike).map(|holdings| Group { holdings: holdings.iter().collect() }).collect()
}

impl<'a> Group<'a> {
    /// Returns the rows: processes by PID, each followed by its children, then the sockets without a visible owner.
    pub(super) fn lines(&self) -> Vec<Line<'a>> {
        let mut processes: BTreeMap<u32, (&'a Socket, &'a Facts)> = BTreeMap::new();
        for holding in &self.holdings {
            if let Some(process) = &holding.process {
                processes.entry(process.pid).or_insert((&holding.socket, process));
            }
        }
        let mut lines = Vec::new();
        let mut drawn = HashSet::new();
        for (pid, (_, process)) in &processes {
            if !processes.contains_key(&process.ppid) {
                draw(*pid, 0, &processes, &mut drawn, &mut lines);
            }
        }
        let unowned = self.holdings.iter().filter(|holding| holding.process.is_none());
        lines.extend(unowned.map(|holding| Line { socket: &holding.socket, process: None, depth: 0 }));
        lines
    }

    /// Tells whether somebody who cannot be seen holds the socket.
    pub(super) fn is_invisible(&self, socket: &Socket) -> bool {
        self.holdings.iter().any(|holding| holding.socket == *socket && holding.is_invisible())
    }
}

fn draw<'a>(
    pid: u32,
    depth: usize,
    processes: &BTreeMap<u32, (&'a Socket, &'a Facts)>,
    drawn: &mut HashSet<u32>,
    lines: &mut Vec<Line<'a>>,
) {
    let Some((socket, process)) = processes.get(&pid).filter(|_| drawn.insert(pid)) else { return };
    lines.push(Line { socket, process: Some(process), depth });
    for (child, (_, facts)) in processes {
        if facts.ppid == pid {
            draw(*child, depth + 1, processes, drawn, lines);
        }
    }
}
