//! Who holds the ports: what the sockets and the processes that were read mean together.

use std::collections::{BTreeSet, HashMap, HashSet};

use proc_tree::Facts;

use crate::{holder::Open, socket::Socket};

/// A socket and one process that has it open; `process` is `None` where no owner is visible.
#[derive(Debug, Clone, PartialEq)]
pub struct Holding {
    /// The socket.
    pub socket: Socket,
    /// The process.
    pub process: Option<Facts>,
}

impl Holding {
    /// Tells whether somebody holds the socket who cannot be seen.
    pub fn is_invisible(&self) -> bool {
        self.process.is_none() && self.socket.is_open()
    }
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
    /// Where processes were asked about: those of them that may not be looked into, and may hold more.
    pub closed: Vec<Closed>,
}

/// A process that was asked about and may not be looked into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// Its PID.
    pub pid: u32,
    /// Its name, unless that is hidden too.
    pub name: Option<String>,
}

impl Answer {
    /// Returns the PIDs of the holders, each once, in ascending order.
    pub fn pids(&self) -> Vec<u32> {
        let pids: BTreeSet<u32> = self.processes().map(|process| process.pid).collect();
        pids.into_iter().collect()
    }

    /// Returns the holders that are visible, each as often as it holds a socket.
    pub fn processes(&self) -> impl Iterator<Item = &Facts> {
        self.holdings.iter().filter_map(|holding| holding.process.as_ref())
    }

    /// Returns the holdings whose owner is invisible. A socket that no process has open any more has no owner to see.
    pub fn invisible(&self) -> impl Iterator<Item = &Holding> {
        self.holdings.iter().filter(|holding| holding.is_invisible())
    }
}

/// What one reading of the kernel's tables told: sockets, who has them open, and what those processes are.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    pub(crate) sockets: Vec<Socket>,
    pub(crate) open: Open,
    /// By PID; a process that ended before it could be described is missing.
    pub(crate) processes: HashMap<u32, Facts>,
}

impl Reading {
    fn holders<'r>(&'r self, socket: &Socket) -> impl Iterator<Item = &'r Facts> {
        self.open.holders_of(socket.inode).filter_map(|pid| self.processes.get(&pid))
    }

    /// Returns the sockets that somebody must have open and nobody visible has.
    pub(crate) fn unseen(&self) -> Vec<Socket> {
        let is_unseen = |socket: &&Socket| socket.is_open() && self.holders(socket).next().is_none();
        self.sockets.iter().filter(is_unseen).cloned().collect()
    }
}

/// Joins sockets with their holders, in the sockets' order.
///
/// `again` is a second reading of those that were [unseen](Reading::unseen) in the first: one that is missing there was
/// closed meanwhile, one that has a holder there was handed on, and one that has none there either has an owner who is
/// invisible.
pub(crate) fn join(first: &Reading, again: &Reading) -> Vec<Holding> {
    let still_there: HashSet<u64> = again.sockets.iter().map(|socket| socket.inode).collect();
    let mut holdings = Vec::with_capacity(first.sockets.len());
    for socket in &first.sockets {
        let before = holdings.len();
        let holding = |process: &Facts| Holding { socket: socket.clone(), process: Some(process.clone()) };
        holdings.extend(first.holders(socket).map(holding));
        if holdings.len() == before && socket.is_open() {
            holdings.extend(again.holders(socket).map(holding));
        }
        if holdings.len() == before && (!socket.is_open() || still_there.contains(&socket.inode)) {
            holdings.push(Holding { socket: socket.clone(), process: None });
        }
    }
    holdings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{State, example};

    fn socket(inode: u64) -> Socket {
        Socket { inode, ..Socket::example() }
    }

    /// Sockets by inode; which process has which of them open; which processes could be described.
    fn reading(sockets: &[u64], open: &[(u64, u32)], described: &[u32]) -> Reading {
        let sockets: Vec<Socket> = sockets.iter().map(|&inode| socket(inode)).collect();
        let mut holders = Open::of(&sockets);
        for &(inode, pid) in open {
            holders.note(inode, pid);
        }
        let processes = described.iter().map(|&pid| (pid, example::process(pid, 1, "server"))).collect();
        Reading { sockets, open: holders, processes }
    }

    fn joined(first: &Reading, again: &Reading) -> Vec<(u64, Option<u32>)> {
        let holdings = join(first, again);
        holdings.iter().map(|holding| (holding.socket.inode, holding.process.as_ref().map(|one| one.pid))).collect()
    }

    #[test]
    fn one_reading_names_every_holder_of_every_socket_in_order() {
        for (sockets, open, expected) in [
            (&[][..], &[][..], &[][..]),
            (&[1], &[(1, 7)], &[(1, Some(7))]),
            // forked workers, in whatever order they were met; open twice in one of them
            (&[1], &[(1, 9), (1, 7), (1, 9)], &[(1, Some(7)), (1, Some(9))]),
            // SO_REUSEPORT: a socket each, and one process that has both
            (&[1, 2], &[(1, 7), (2, 8), (2, 7)], &[(1, Some(7)), (2, Some(7)), (2, Some(8))]),
            // somebody else's socket is nobody's business
            (&[1], &[(1, 7), (3, 8)], &[(1, Some(7))]),
        ] {
            let first = reading(sockets, open, &[7, 8, 9]);
            assert!(first.unseen().is_empty());
            assert_eq!(joined(&first, &Reading::default()), expected, "{sockets:?} {open:?}");
        }
    }

    #[test]
    fn what_was_unseen_at_first_is_closed_handed_on_or_invisible() {
        let first = reading(&[1, 2], &[(1, 7)], &[7]);
        assert_eq!(first.unseen(), [socket(2)]);
        for (again, expected) in [
            (reading(&[], &[], &[]), &[(1, Some(7))][..]),
            (reading(&[2], &[(2, 9)], &[9]), &[(1, Some(7)), (2, Some(9))]),
            (reading(&[2], &[], &[]), &[(1, Some(7)), (2, None)]),
            // a holder that ended before it could be described is nobody
            (reading(&[2], &[(2, 9)], &[]), &[(1, Some(7)), (2, None)]),
        ] {
            assert_eq!(joined(&first, &again), expected, "{again:?}");
        }
    }

    #[test]
    fn a_holder_that_ended_before_it_could_be_described_leaves_its_socket_unseen() {
        assert_eq!(reading(&[1], &[(1, 7)], &[]).unseen(), [socket(1)]);
    }

    #[test]
    fn what_no_process_has_open_any_more_has_no_owner_to_see() {
        let left_over = Socket { state: State::TimeWait, ..socket(0) };
        let first = Reading { sockets: vec![left_over.clone()], ..Reading::default() };
        assert!(first.unseen().is_empty());
        let holdings = join(&first, &Reading::default());
        assert_eq!(holdings, [Holding { socket: left_over, process: None }]);
        assert!(!holdings[0].is_invisible());
        assert!(Holding { socket: socket(0), process: None }.is_invisible(), "a listener is somebody's");
    }
}
