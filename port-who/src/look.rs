//! Finding out who holds the ports: sockets from the kernel, then the processes that have them open, then what those are.

mod ending;
mod trees;

use std::{collections::HashSet, io};

use proc_tree::{Facts, Identity};

use crate::{
    answer::{Answer, Closed, Holding, Reading, join},
    holder::{Open, holders, holders_among},
    query::Query,
    socket::{Socket, in_order},
    table::{SocketTableError, find, sockets_beside},
};
use trees::Trees;

/// The ports' holders could not be found out.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct LookError(#[from] Cause);

#[derive(Debug, thiserror::Error)]
enum Cause {
    #[error(transparent)]
    Sockets(SocketTableError),
    #[error("cannot read the process table")]
    Processes(#[source] io::Error),
}

impl LookError {
    /// Tells whether the caller may not look into other network namespaces, as root might.
    pub fn is_namespace_denied(&self) -> bool {
        matches!(&self.0, Cause::Sockets(error) if error.is_namespace_denied())
    }
}

impl From<SocketTableError> for LookError {
    fn from(error: SocketTableError) -> Self {
        Self(Cause::Sockets(error))
    }
}

/// Finds out who holds the ports.
///
/// The sockets are read first and the processes then. What no process had open may have been closed or handed on in
/// between, so that is looked at once more before it is said to be invisible. Up to five seconds are waited for a process
/// of this user's that is on its way out, which only root may look into.
///
/// # Errors
/// When the socket table or the process table cannot be read; "nobody" is never said for "I cannot see".
pub fn look(query: &Query) -> Result<Answer, LookError> {
    let found = find(query)?;
    let first = read(found.sockets)?;
    let mut unseen = first.unseen();
    if !unseen.is_empty() {
        ending::wait(&unseen).map_err(Cause::Processes)?;
        let now: HashSet<u64> = find(query)?.sockets.iter().map(|socket| socket.inode).collect();
        unseen.retain(|socket| now.contains(&socket.inode));
    }
    let again = read(unseen)?;
    let (unreadable, hidden) = (first.open.unreadable, found.hidden);
    Ok(Answer { holdings: join(&first, &again), unreadable, hidden, closed: Vec::new() })
}

/// Finds out what the trees of these processes hold: each with all that descends from it, in whatever network namespace
/// that is. What others hold besides is left out.
///
/// Who of them may not be looked into is in [`Answer::closed`] where that could make a difference: where a socket is there
/// whose holder nobody can see.
///
/// # Errors
/// As [`look`].
pub fn look_below(query: &Query, roots: &[Identity]) -> Result<Answer, LookError> {
    let found = find(query)?;
    let trees = Trees::of(roots).map_err(Cause::Processes)?;
    let mut closed = trees.hidden.clone();
    let mut sockets = found.sockets;
    for pid in trees.in_other_networks().into_iter().filter(|_| !query.all_netns) {
        match sockets_beside(pid, query) {
            Ok(more) => sockets.extend(more),
            Err(_) if Identity::of(pid).is_ok_and(|now| now.is_none()) => {}
            Err(_) => closed.extend([pid]),
        }
    }
    let sockets = in_order(sockets);
    let (open, unreadable) = holders_among(&sockets, trees.pids()).map_err(Cause::Processes)?;
    closed.extend(unreadable);
    let reading = reading(sockets, open);
    if !closed.is_empty() && !is_any_unowned(&reading)? {
        closed.clear();
    }
    let mut holdings = join(&reading, &Reading::default());
    holdings.retain(|holding| holding.process.is_some());
    let closed: Vec<Closed> = closed.into_iter().map(|pid| Closed { pid, name: trees.name(pid) }).collect();
    Ok(Answer { holdings, unreadable: closed.len(), hidden: found.hidden, closed })
}

/// Tells whether a socket is there that nobody has open who can be seen.
fn is_any_unowned(reading: &Reading) -> Result<bool, Cause> {
    let unseen = reading.unseen();
    let open = holders(&unseen).map_err(Cause::Processes)?;
    Ok(unseen.iter().any(|socket| open.holders_of(socket.inode).next().is_none()))
}

/// Finds out who has these sockets open. One without a visible owner is there once, without a process.
///
/// # Errors
/// When the process table cannot be read.
pub fn owners(sockets: &[Socket]) -> Result<Vec<Holding>, LookError> {
    let found = read(sockets.to_vec())?;
    let unseen = Reading { sockets: found.unseen(), ..Reading::default() };
    Ok(join(&found, &unseen))
}

/// Reads who has the sockets open. Without sockets nothing is read.
fn read(sockets: Vec<Socket>) -> Result<Reading, Cause> {
    let open = holders(&sockets).map_err(Cause::Processes)?;
    Ok(reading(sockets, open))
}

/// Describes those that have the sockets open.
fn reading(sockets: Vec<Socket>, open: Open) -> Reading {
    let describe = |pid| Some((pid, Facts::of(pid).ok().flatten()?));
    let processes = open.pids().into_iter().filter_map(describe).collect();
    Reading { sockets, open, processes }
}
