//! Finding out who holds the ports: sockets from the kernel, then the processes that have them open, then what those are.

use std::{collections::HashSet, io};

use proc_tree::Facts;

use crate::{
    answer::{Answer, Holding, Reading, join},
    holder::holders,
    query::Query,
    socket::Socket,
    table::{SocketTableError, find},
};

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
/// between, so that is looked at once more before it is said to be invisible.
///
/// # Errors
/// When the socket table or the process table cannot be read; "nobody" is never said for "I cannot see".
pub fn look(query: &Query) -> Result<Answer, LookError> {
    let found = find(query)?;
    let first = read(found.sockets)?;
    let mut unseen = first.unseen();
    if !unseen.is_empty() {
        let now: HashSet<u64> = find(query)?.sockets.iter().map(|socket| socket.inode).collect();
        unseen.retain(|socket| now.contains(&socket.inode));
    }
    let again = read(unseen)?;
    Ok(Answer { holdings: join(&first, &again), unreadable: first.open.unreadable, hidden: found.hidden })
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
    let describe = |pid| Some((pid, Facts::of(pid).ok().flatten()?));
    let processes = open.pids().into_iter().filter_map(describe).collect();
    Ok(Reading { sockets, open, processes })
}
