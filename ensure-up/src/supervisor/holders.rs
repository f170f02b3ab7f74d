//! Those that hold the server's port, watched: when the last of them has ended that serves, the server has, also behind a
//! watcher that lives on and may hold the socket itself. As long as one lives, nobody wakes up.

use std::{
    io,
    time::{Duration, Instant},
};

use port_who::Socket;
use proc_tree::{Handle, Identity};
use tokio::time;

use crate::{
    Holding, ServerProcesses,
    server::{acceptors, end::End},
};

/// How long nobody of the server may hold the port: a watcher that starts it again after an edit does so in this time.
const PATIENCE: Duration = Duration::from_secs(5);

/// When to look again who there is, at first.
const AGAIN: Duration = Duration::from_secs(4);

/// How often the port is looked at meanwhile.
const LOOK: Duration = Duration::from_millis(50);

/// The holders of a port that can be seen.
#[derive(Debug)]
pub(super) struct Holders {
    watched: Vec<Holder>,
    /// All that there were, and those of them that accepted, if others held the socket for them.
    were: Vec<Identity>,
    acceptors: Vec<Identity>,
    /// Whether it could be told who accepts.
    is_told: bool,
    /// Since when they are known, and after how long to look again who there is.
    again: (Instant, Duration),
    /// The one that ended last, and when that was seen.
    gone: Option<(Gone, Instant)>,
    /// That one held open: its parent may be told how it ended after it was seen that it has.
    untold: Option<Handle>,
}

#[derive(Debug)]
struct Holder {
    handle: Handle,
    name: String,
}

/// Who is left of the holders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    /// One that serves.
    Server,
    /// Those alone that held the socket for others.
    Watchers,
    /// None.
    Nobody,
}

/// A holder that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Gone {
    pid: u32,
    name: String,
    /// What became of it: nothing but that it holds the port no more, where it lives on.
    became: String,
    pub(super) end: End,
}

impl Gone {
    fn ended(pid: u32, name: String, end: End) -> Self {
        Self { pid, name, became: end.to_string(), end }
    }

    /// Says who it was and how it ended: `redis-server (pid 4712) was ended by SIGKILL`.
    pub(super) fn words(&self) -> String {
        format!("{} (pid {}) {}", self.name, self.pid, self.became)
    }
}

impl Holders {
    /// Watches the holders; `told` are those of them that serve, if that could be told.
    pub(super) fn watch(holdings: &[Holding], told: Option<Vec<Identity>>) -> io::Result<Self> {
        let (mut watched, mut gone): (Vec<Holder>, _) = (Vec::new(), None);
        for process in Holding::processes(holdings) {
            let is_known = watched.iter().any(|known| known.handle.identity() == process.identity());
            match Handle::open(process.identity())?.filter(|_| !is_known) {
                Some(handle) => watched.push(Holder { handle, name: process.name.clone() }),
                None if is_known => {}
                None => {
                    let known = Gone::ended(process.pid, process.name.clone(), End::Unknown);
                    gone = Some((known, Instant::now()));
                }
            }
        }
        let (is_told, again) = (told.is_some(), (Instant::now(), AGAIN));
        let were = Holding::identities(holdings);
        let acceptors = told.unwrap_or_else(|| were.clone());
        Ok(Self { watched, acceptors, were, is_told, again, gone, untold: None })
    }

    /// Returns those of them that serve.
    pub(super) fn acceptors(&self) -> &[Identity] {
        &self.acceptors
    }

    /// Tells whether it is time to look again who there is, which is less often each time: one that loads does not accept yet,
    /// and a watcher that listens may not have started it.
    pub(super) fn are_due(&mut self) -> bool {
        let (since, after) = &mut self.again;
        let is_due = since.elapsed() >= *after;
        if is_due {
            *after = since.elapsed() * 2;
        }
        is_due
    }

    /// Tells whether these are they, and it was told who of them accepts.
    pub(super) fn are_told(&self, now: &[Identity]) -> bool {
        self.is_told && self.were == now
    }

    /// Is looked at again when these would have been, whose place it takes.
    pub(super) fn after(self, before: &Self) -> Self {
        Self { again: before.again, ..self }
    }

    /// Returns those that are watched.
    pub(super) fn identities(&self) -> Vec<Identity> {
        self.watched.iter().map(|holder| holder.handle.identity()).collect()
    }

    /// Returns those that are watched, and the server's other processes.
    pub(super) fn and(&self, processes: &ServerProcesses) -> Vec<Identity> {
        self.identities().into_iter().chain(processes.roots().iter().copied()).collect()
    }

    /// Looks who has ended; tells who is left of those that were there.
    pub(super) fn look(&mut self, processes: &mut ServerProcesses) -> io::Result<Left> {
        let has_ended = self.watched.iter().map(|holder| holder.handle.has_ended()).collect::<io::Result<Vec<_>>>()?;
        let mut has_ended = has_ended.into_iter();
        for holder in self.watched.extract_if(.., |_| has_ended.next() == Some(true)) {
            let identity = holder.handle.identity();
            let gone = Gone::ended(identity.pid, holder.name, processes.end_of(identity));
            self.gone = Some((gone, Instant::now()));
            self.untold = Some(holder.handle);
        }
        self.ask_how_it_ended();
        Ok(match self.gone {
            Some(_) if self.watched.is_empty() => Left::Nobody,
            Some(_) if self.is_left_by_all(&self.identities()) => Left::Watchers,
            _ => Left::Server,
        })
    }

    fn ask_how_it_ended(&mut self) {
        if let Some((gone, _)) = self.gone.as_mut().filter(|(gone, _)| gone.end == End::Unknown)
            && let Some(status) = self.untold.as_ref().and_then(Handle::exit_status)
        {
            *gone = Gone::ended(gone.pid, std::mem::take(&mut gone.name), status.into());
        }
    }

    /// Looks for the last time, once the server has ended in this way; tells how it did. A launcher that ended well says
    /// nothing of the daemon that it left behind, which may have crashed by the same look, nor of a server that it has outlived.
    pub(super) fn end_behind(&mut self, main: End, processes: &mut ServerProcesses) -> io::Result<End> {
        let since = Instant::now();
        let is_lost = self.look(processes)? != Left::Server;
        let crashed = self.gone.as_ref().filter(|(gone, at)| (is_lost || *at >= since) && gone.end.is_crash());
        Ok(crashed.filter(|_| !main.is_failure()).map_or(main, |(gone, _)| gone.end))
    }

    /// Tells whether one of them has one of these sockets open, or may have.
    pub(super) fn have(&self, sockets: &[Socket]) -> bool {
        self.identities().iter().any(|holder| port_who::holds(holder.pid, sockets).unwrap_or(true))
    }

    /// Takes note that nobody holds the port any more, though some of those that did may live.
    pub(super) fn left_the_port(&mut self) {
        if let Some(Holder { handle, name }) = self.watched.drain(..).next() {
            let became = "does not listen any more".to_owned();
            self.gone = Some((Gone { pid: handle.identity().pid, name, became, end: End::Unknown }, Instant::now()));
            self.untold = None;
        }
    }

    /// Tells whether all that served have ended, and these alone hold the port now.
    pub(super) fn is_left_by_all(&self, now: &[Identity]) -> bool {
        acceptors::are_gone(&self.were, &self.acceptors, now)
    }

    /// Returns the last one if it has been gone for as long as nobody may hold the port.
    pub(super) fn gone_for_good(&self) -> Option<Gone> {
        self.gone.as_ref().filter(|(_, since)| since.elapsed() >= PATIENCE).map(|(gone, _)| gone.clone())
    }

    /// Says how the server ended; where nobody tells, who that was.
    pub(super) fn words(&self, end: End) -> String {
        match &self.gone {
            Some((gone, _)) if end == End::Unknown => format!("{end} ({}, pid {})", gone.name, gone.pid),
            _ => end.to_string(),
        }
    }

    /// Waits until the last one that serves has ended, and then until it is time for another look.
    pub(super) async fn changed(&self) {
        let serves = |holder: &&Holder| self.acceptors.contains(&holder.handle.identity());
        let mut serving = self.watched.iter().filter(serves).peekable();
        match &self.gone {
            Some(_) if serving.peek().is_none() => time::sleep(LOOK).await,
            None if serving.peek().is_none() => std::future::pending().await,
            _ => {
                for holder in serving {
                    if health_wait::ended(&holder.handle).await.is_err() {
                        std::future::pending::<()>().await;
                    }
                }
            }
        }
    }
}
