//! Whose the holders of a port are, from look to look: the socket table is cheap to read, all processes are not.

use std::time::{Duration, Instant};

use port_who::Socket;
use proc_tree::Identity;

use crate::{
    Port, ReadyError, ServerProcesses, Service, StateFolder,
    server::{
        evidence::{Evidence, Known},
        holding::Holding,
        judge::{Whose, judge},
        port as listening,
        started::Started,
    },
};

/// The holders of a service's port, or of one without its processes.
#[derive(Debug)]
pub(super) struct Holders<'r> {
    service: &'r Service,
    state_folder: &'r StateFolder,
    port: Option<Port>,
    /// Whether the server was there before: then its command line tells whose it is.
    pub(super) were_there: bool,
    /// Whether whatever holds the port will do.
    pub(super) take_any: bool,
    seen: Option<Seen>,
}

/// Whose the port was, and what that was told from.
#[derive(Debug)]
struct Seen {
    sockets: Vec<Socket>,
    roots: Vec<Identity>,
    whose: Whose,
    at: Instant,
}

/// How long somebody else's socket is taken to be that.
const SECOND_LOOK: Duration = Duration::from_millis(100);

impl Seen {
    /// The same socket stays ours. Somebody else's may turn out to be ours: a daemon that loses its parent, or a process
    /// that ended while it was looked for.
    fn holds_for(&self, sockets: &[Socket], roots: &[Identity]) -> bool {
        let is_ours = matches!(self.whose, Whose::Ours(..) | Whose::Matching(..));
        self.sockets == sockets && self.roots == roots && (is_ours || self.at.elapsed() < SECOND_LOOK)
    }
}

impl<'r> Holders<'r> {
    pub(super) fn of(service: &'r Service, state_folder: &'r StateFolder, port: Option<Port>) -> Self {
        Self { service, state_folder, port, were_there: true, take_any: false, seen: None }
    }

    /// Tells whose the port is, by what was seen before where the sockets are the same.
    pub(super) fn look(&mut self, processes: Option<&ServerProcesses>) -> Result<Whose, ReadyError> {
        let Some(port) = self.port else { return Ok(living(processes)) };
        let sockets = listening::sockets(port)?;
        if sockets.is_empty() {
            return Ok(Whose::Nobody);
        }
        let roots = roots(processes);
        if let Some(seen) = self.seen.as_ref().filter(|seen| seen.holds_for(&sockets, roots)) {
            return Ok(seen.whose.clone());
        }
        let whose = self.judged(port, &sockets, processes)?;
        self.seen = Some(Seen { sockets, roots: roots.to_vec(), whose: whose.clone(), at: Instant::now() });
        Ok(whose)
    }

    /// Tells whose the port is by now.
    pub(super) fn judge(&self, processes: Option<&ServerProcesses>) -> Result<Whose, ReadyError> {
        let Some(port) = self.port else { return Ok(living(processes)) };
        self.judged(port, &listening::sockets(port)?, processes)
    }

    fn judged(&self, port: Port, sockets: &[Socket], processes: Option<&ServerProcesses>) -> Result<Whose, ReadyError> {
        let started = Started::of(self.service, self.port);
        let evidence = Evidence::of_sockets(port, sockets, vec![Known::of(started, roots(processes))])?;
        let evidence = if self.were_there { evidence.compared(self.state_folder, self.service) } else { evidence };
        let whose = judge(&Evidence { was_there: self.were_there, ..evidence }, self.service);
        Ok(if self.take_any { whose.or_any() } else { whose })
    }

    /// Tells whether a holder that is not known as ours may be known by its answer. Beside a server that was just started
    /// that is only one whose owner is not visible: a container's, or that of a server that changed its user.
    pub(super) fn may_answer(&self, holdings: &[Holding]) -> bool {
        let is_visible = |holding: &Holding| holding.process.is_some();
        self.service.is_known_by_answer(self.port) && (self.were_there || !holdings.iter().any(is_visible))
    }
}

/// A server without a port is its processes.
fn living(processes: Option<&ServerProcesses>) -> Whose {
    let running = processes.and_then(|processes| Holding::of_running(processes.identity()));
    running.map_or(Whose::Nobody, |running| Whose::Ours(vec![running], Vec::new()))
}

fn roots(processes: Option<&ServerProcesses>) -> &[Identity] {
    processes.map_or(&[], ServerProcesses::roots)
}
