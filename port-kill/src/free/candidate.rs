//! A process that holds some of the ports.

use port_who::{Answer, Socket};
use proc_tree::{Facts, Identity, Signal};

use super::scope::Scope;
use crate::supervisor::Supervisor;

/// A process and the sockets at stake that it holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The process.
    pub process: Facts,
    /// Its sockets.
    pub sockets: Vec<Socket>,
    /// Its memory in bytes.
    pub memory: Option<u64>,
    /// How many descendants would be stopped with it.
    pub descendants: usize,
    /// What it would be sent.
    pub signal: Signal,
    /// Who would start it again.
    pub supervisor: Option<Supervisor>,
    /// The port on which nobody listens, where this is the supervisor that would start its server again.
    pub keeps_up: Option<u16>,
}

impl Candidate {
    /// Groups an answer by process.
    pub(super) fn all(answer: &Answer, scope: &Scope) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for holding in answer.holdings.iter().filter(|holding| scope.covers(&holding.socket)) {
            let Some(process) = &holding.process else { continue };
            let socket = holding.socket.clone();
            if let Some(one) = all.iter_mut().find(|one| one.identity() == process.identity()) {
                one.sockets.push(socket);
            } else {
                all.push(Self {
                    process: process.clone(),
                    sockets: vec![socket],
                    memory: None,
                    descendants: 0,
                    signal: Signal::TERM,
                    supervisor: None,
                    keeps_up: None,
                });
            }
        }
        all
    }

    /// Describes a supervisor whose server does not run at the moment.
    pub(super) fn supervisor(process: Facts, port: u16) -> Self {
        let (sockets, signal) = (Vec::new(), Signal::TERM);
        Self { process, sockets, memory: None, descendants: 0, signal, supervisor: None, keeps_up: Some(port) }
    }

    /// Returns which process it is.
    pub fn identity(&self) -> Identity {
        self.process.identity()
    }

    /// Returns its ports, each once.
    pub fn ports(&self) -> Vec<u16> {
        let held = self.sockets.iter().map(|socket| socket.local.port());
        proc_tree::ascending(held.chain(self.keeps_up))
    }
}
