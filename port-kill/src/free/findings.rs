//! What was found out and decided on the way.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    io,
};

use port_who::{Answer, Protocol, Socket};
use proc_tree::{Identity, Signal, Stat, process, usage::memory};

use super::{candidate::Candidate, descendants::Descendants, scope::Scope};
use crate::{
    hint::Hint,
    outcome::{Outcome, ProcessOutcome, Role},
    stop::{Claim, StopOptions, StopRun},
    supervisor::{KeptUp, Supervisor},
};

/// What was found out and decided so far.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// What came of those that were not signalled.
    pub(super) decided: Vec<ProcessOutcome>,
    /// Those that are not stopped, and why; they are not looked at again.
    pub(super) spared: HashMap<Identity, &'static str>,
    /// Which sockets each holder that is stopped was seen with.
    pub(super) sockets: HashMap<Identity, Vec<Socket>>,
    /// Which ports each process is reported for.
    pub(super) ports: HashMap<Identity, Vec<u16>>,
    /// The ports that were held at some time.
    pub(super) held: BTreeSet<(u16, Protocol)>,
    /// The ports on which nobody listened, and what is to be said of those that a supervisor would have taken again.
    pub(super) kept_up: BTreeMap<KeptUp, String>,
    /// The ports that those may hold who were named in vain: in another network, or unseen.
    pub(super) unsettled: Vec<(u16, Option<String>)>,
    /// The sessions and process groups of the holders that are stopped.
    pub(super) kin: HashSet<(u32, u32)>,
    /// What descended from each holder before it was signalled.
    pub(super) descendants: Descendants,
    /// The memory of each before it was signalled, in bytes.
    pub(super) memory: HashMap<Identity, u64>,
    /// Who may start again what is stopped.
    pub(super) supervisors: Vec<(Identity, Supervisor)>,
    pub(super) hints: Vec<Hint>,
}

impl Findings {
    /// Notes which ports are held.
    pub(super) fn note(&mut self, answer: &Answer, scope: &Scope) {
        let at_stake = answer.holdings.iter().map(|holding| &holding.socket).filter(|socket| scope.covers(socket));
        self.held.extend(at_stake.map(|socket| (socket.local.port(), socket.protocol)));
    }

    /// Notes the ports that a process is reported for.
    pub(super) fn report_for(&mut self, process: Identity, ports: Vec<u16>) {
        let all = self.ports.entry(process).or_default();
        *all = proc_tree::ascending(all.drain(..).chain(ports));
    }

    /// Notes what comes of a candidate without a signal.
    pub(super) fn decide(&mut self, candidate: &Candidate, outcome: Outcome, reason: &'static str) {
        self.spared.insert(candidate.identity(), reason);
        self.decided.extend(candidate.ports().into_iter().map(|port| ProcessOutcome {
            pid: Some(candidate.process.pid),
            start_id: Some(candidate.process.start_id),
            name: Some(candidate.process.name.clone()),
            reason: Some(reason.to_owned()),
            memory: candidate.memory,
            ..ProcessOutcome::of_port(port, outcome)
        }));
    }

    /// Notes what comes of a supervisor without a signal.
    pub(super) fn leave_supervisor(&mut self, candidate: &Candidate, outcome: Outcome, reason: &'static str) {
        let before = self.decided.len();
        self.decide(candidate, outcome, reason);
        self.decided[before..].iter_mut().for_each(|one| one.role = Role::Supervisor);
    }

    /// Reads the memory of the candidates.
    pub(super) fn weigh(&mut self, candidates: &mut [Candidate]) {
        let pids: Vec<u32> = candidates.iter().map(|candidate| candidate.process.pid).collect();
        for (candidate, memory) in candidates.iter_mut().zip(memory::of_processes(&pids)) {
            candidate.memory = memory;
            self.memory.extend(memory.map(|memory| (candidate.identity(), memory)));
        }
    }

    /// Reads the memory of those descendants whose memory is not known yet.
    fn weigh_descendants(&mut self, processes: &[Stat]) {
        let unknown: Vec<&Stat> = processes.iter().filter(|stat| !self.memory.contains_key(&stat.identity())).collect();
        let pids: Vec<u32> = unknown.iter().map(|stat| stat.pid).collect();
        for (stat, memory) in unknown.iter().zip(memory::of_processes(&pids)) {
            self.memory.extend(memory.map(|memory| (stat.identity(), memory)));
        }
    }

    /// Hands a candidate that may be stopped on to be stopped, with what descends from it.
    pub(super) fn enlist(
        &mut self,
        stop: &mut StopRun<'_>,
        options: &StopOptions,
        stat: &Stat,
        candidate: Candidate,
        below: Vec<Stat>,
    ) -> io::Result<()> {
        let identity = candidate.identity();
        let claim = Claim::Holds(candidate.sockets.clone());
        self.kin.insert((stat.session, stat.group));
        self.report_for(identity, candidate.ports());
        if options.tree {
            self.weigh_descendants(&below);
        }
        self.descendants.add(identity, below);
        if let Some(Supervisor::EnsureUp(supervisor)) = &candidate.supervisor {
            self.report_for(supervisor.identity(), candidate.ports());
            if let Some(above) = process::stat_of(supervisor.identity())? {
                stop.add(&above, Role::Supervisor, Claim::Supervises(identity));
            }
            // killed, the supervisor cannot stop its server any more
            match options.signal {
                Some(Signal::KILL) => stop.add(stat, Role::Holder, claim),
                _ => stop.watch(stat, claim),
            }
        } else {
            stop.add(stat, Role::Holder, claim);
        }
        self.supervisors.extend(candidate.supervisor.map(|supervisor| (identity, supervisor)));
        self.sockets.insert(identity, candidate.sockets);
        Ok(())
    }

    /// Returns the inodes of the sockets that the stopped holders were seen with.
    pub(super) fn inodes(&self) -> HashSet<u64> {
        self.sockets.values().flatten().map(|socket| socket.inode).collect()
    }
}
