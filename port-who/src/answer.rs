//! Who holds the ports: the sockets joined with their holders.

use std::{
    collections::{HashMap, HashSet},
    io,
};

use proc_tree::Facts;

use crate::{
    Query, Socket, SocketTableError, holder,
    origin::{Origin, Origins},
    socket,
};

/// A socket and one process that has it open; `process` is `None` where no owner is visible.
#[derive(Debug, Clone, PartialEq)]
pub struct Holding {
    /// The socket.
    pub socket: Socket,
    /// The process.
    pub process: Option<Facts>,
}

/// The answer to a query.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// Every holder of every socket; a socket without a visible owner once.
    pub holdings: Vec<Holding>,
    /// How many processes could not be looked into.
    pub unreadable: usize,
    /// How many processes may have sockets that are not in the answer at all: where all network namespaces were asked for,
    /// those that would not say which one they are in; on macOS, where nothing was found, those of other users.
    pub hidden: usize,
}

impl Answer {
    /// Returns the PIDs of the holders, each once, in ascending order.
    pub fn pids(&self) -> Vec<u32> {
        let mut pids: Vec<u32> =
            self.holdings.iter().filter_map(|holding| Some(holding.process.as_ref()?.pid)).collect();
        pids.sort_unstable();
        pids.dedup();
        pids
    }

    /// Finds out where each holder comes from; one that has ended is missing.
    ///
    /// # Errors
    /// When a process cannot be looked at.
    pub fn origins(&self) -> io::Result<Origins> {
        let mut origins = Origins::new();
        for process in self.holdings.iter().filter_map(|holding| holding.process.as_ref()) {
            if !origins.contains_key(&process.pid) {
                origins.extend(Origin::of(process)?.map(|origin| (process.pid, origin)));
            }
        }
        Ok(origins)
    }

    /// Returns the holdings whose owner is invisible. A socket that no process has open any more has no owner to see.
    pub fn invisible(&self) -> impl Iterator<Item = &Holding> {
        self.holdings.iter().filter(|holding| holding.is_invisible())
    }
}

impl Holding {
    /// Tells whether somebody holds the socket who cannot be seen.
    pub fn is_invisible(&self) -> bool {
        self.process.is_none() && (self.socket.inode != 0 || self.socket.state.is_holding())
    }
}

/// The ports' holders could not be found out.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// The socket table could not be read.
    #[error(transparent)]
    Sockets(#[from] SocketTableError),
    /// The process table could not be read.
    #[error("cannot read the process table")]
    Processes(#[source] io::Error),
}

/// Finds out who holds the ports.
///
/// The sockets are read first and the processes then. What no process had open may have been closed or handed on in
/// between, so that is looked at once more before it is said to be invisible.
///
/// # Errors
/// When the socket table or the process table cannot be read; "nobody" is never said for "I cannot see".
pub fn look(query: &Query) -> Result<Answer, LookError> {
    let found = socket::find(query)?;
    let mut answer = join(found.sockets)?;
    answer.hidden = found.hidden;
    if answer.invisible().next().is_some() {
        let now: HashSet<u64> = socket::find(query)?.sockets.iter().map(|socket| socket.inode).collect();
        let (unseen, seen): (Vec<_>, Vec<_>) = answer.holdings.into_iter().partition(Holding::is_invisible);
        let unseen = unseen.into_iter().map(|holding| holding.socket);
        let still_there = unseen.filter(|socket| now.contains(&socket.inode)).collect();
        answer.holdings = seen;
        answer.holdings.extend(join(still_there)?.holdings);
        answer
            .holdings
            .sort_by_key(|holding| (holding.socket.position(), holding.process.as_ref().map(|process| process.pid)));
    }
    Ok(answer)
}

/// Finds the holders of these sockets, and what they are.
fn join(sockets: Vec<Socket>) -> Result<Answer, LookError> {
    let holders = holder::holders(&sockets).map_err(LookError::Processes)?;
    let mut known: HashMap<u32, Option<Facts>> = HashMap::new();
    let mut holdings = Vec::with_capacity(sockets.len());
    for (socket, pids) in sockets.into_iter().zip(holders.pids) {
        let before = holdings.len();
        for pid in pids {
            let facts = known.entry(pid).or_insert_with(|| Facts::of(pid).ok().flatten());
            holdings.extend(facts.clone().map(|facts| Holding { socket: socket.clone(), process: Some(facts) }));
        }
        if holdings.len() == before {
            holdings.push(Holding { socket, process: None });
        }
    }
    Ok(Answer { holdings, unreadable: holders.unreadable, hidden: 0 })
}
