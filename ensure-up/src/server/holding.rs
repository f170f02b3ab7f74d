//! A process of a server, and the socket by which it holds the server's port, where it has one.

use port_who::Socket;
use proc_tree::{Facts, Identity, process};

/// A process of a server, and the socket by which it holds the port; `process` is `None` where no owner is visible.
#[derive(Debug, Clone, PartialEq)]
pub struct Holding {
    /// The socket; a server without a port holds none.
    pub socket: Option<Socket>,
    /// The process.
    pub process: Option<Facts>,
}

impl Holding {
    /// Looks at a process of a server that has no port; `None` where it has ended.
    pub(crate) fn of_running(identity: Identity) -> Option<Self> {
        let running = process::stat_of(identity).ok().flatten().filter(|stat| !stat.has_ended())?;
        Some(Self { socket: None, process: Some(Facts::from_stat(running)) })
    }

    /// Lists the processes of several that can be seen, each once for every socket that it has.
    pub fn processes(holdings: &[Self]) -> impl Iterator<Item = &Facts> {
        holdings.iter().filter_map(|holding| holding.process.as_ref())
    }

    /// Returns the processes of several that can be seen, each once.
    pub(crate) fn identities(holdings: &[Self]) -> Vec<Identity> {
        proc_tree::ascending(Self::processes(holdings).map(Facts::identity))
    }

    /// Returns the eldest of the processes that can be seen: workers that share its socket come and go.
    pub(crate) fn eldest(holdings: &[Self]) -> Option<Identity> {
        Self::processes(holdings).min_by_key(|process| (process.started_at, process.pid)).map(Facts::identity)
    }

    /// Names who has the socket open.
    pub(crate) fn title(&self) -> String {
        let title = |process: &Facts| format!("{} ({})", process.name, process.pid);
        self.process.as_ref().map_or_else(|| "a process that is not visible".into(), title)
    }

    /// Tells whether it is one of the sockets that these have.
    pub(crate) fn is_of(&self, holdings: &[Self]) -> bool {
        let inode = |holding: &Self| holding.socket.as_ref().map(|socket| socket.inode);
        holdings.iter().any(|one| inode(one) == inode(self))
    }

    /// Tells whether the socket is this user's, and none of the processes that he can see has it open.
    pub(crate) fn is_nobodys(&self, user: u32) -> bool {
        self.process.is_none() && self.socket.as_ref().is_some_and(|socket| socket.uid == Some(user))
    }
}

impl From<port_who::Holding> for Holding {
    fn from(port_who::Holding { socket, process }: port_who::Holding) -> Self {
        Self { socket: Some(socket), process }
    }
}
