//! One call from the first look to the last.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    io,
    os::fd::{AsFd, BorrowedFd},
    time::{Duration, Instant},
};

use port_who::{Answer, Holding, Protocol, Socket, holds, look};
use proc_tree::Signal;
use proc_tree::{Identity, Stat, handle, process, tree, usage::memory};

use super::{Candidate, Confirm, FreeError, account, aftermath, keeper::Keeper, verdict, verdict::Verdict};
use crate::{
    Outcome, ProcessOutcome, Report, Request, Role, Stopped, Target,
    guard::Guard,
    request::{Scope, is_named},
    stop::{Campaign, Ending},
};

/// How often the socket table is read while ports are watched: the kernel tells nobody of a new listener.
const SETTLE_INTERVAL: Duration = Duration::from_millis(25);

/// How long masters that fork and fork again are followed beyond the grace.
const PURSUIT: Duration = Duration::from_secs(5);

/// What is known so far.
pub(super) struct Freeing<'r> {
    pub(super) request: &'r Request,
    pub(super) scope: Scope,
    guard: Guard,
    campaign: Campaign<'r>,
    interrupt: Option<BorrowedFd<'r>>,
    /// What was decided without a signal.
    pub(super) decided: Vec<ProcessOutcome>,
    /// Those that are not stopped, and why; they are not looked at again.
    pub(super) spared: HashMap<Identity, &'static str>,
    /// Which sockets each holder was seen with.
    sockets: HashMap<Identity, Vec<Socket>>,
    /// Which ports each process is reported for.
    pub(super) ports: HashMap<Identity, Vec<u16>>,
    /// The ports that were held at some time.
    pub(super) held: BTreeSet<(u16, Protocol)>,
    /// The sessions and process groups of the holders.
    kin: HashSet<(u32, u32)>,
    /// What descended from each holder before it was signalled.
    pub(super) descendants: Vec<(Identity, Stat)>,
    /// The memory of each before it was signalled, in bytes.
    pub(super) memory: HashMap<Identity, u64>,
    /// Who may start what was stopped again.
    pub(super) keepers: Vec<(Identity, Keeper)>,
    pub(super) hints: Vec<String>,
}

impl<'r> Freeing<'r> {
    pub(super) fn new(request: &'r Request, interrupt: Option<BorrowedFd<'r>>) -> Result<Self, FreeError> {
        let guard = Guard::new().map_err(FreeError::Wait)?;
        Ok(Self {
            request,
            scope: Scope::of(&request.target),
            campaign: Campaign::new(request.settings.clone(), guard.clone(), interrupt),
            guard,
            interrupt,
            decided: Vec::new(),
            spared: HashMap::new(),
            sockets: HashMap::new(),
            ports: HashMap::new(),
            held: BTreeSet::new(),
            kin: HashSet::new(),
            descendants: Vec::new(),
            memory: HashMap::new(),
            keepers: Vec::new(),
            hints: Vec::new(),
        })
    }

    pub(super) fn run(mut self, confirm: &mut Confirm<'_>) -> Result<Report, FreeError> {
        let mut answer = look(&self.scope.query)?;
        if let Target::Processes(selected) = &self.request.target {
            self.scope.narrow(answer.holdings.iter().filter(|one| selected.iter().any(|named| is_named(named, one))));
            self.decided.extend(account::unmatched(selected, &answer));
        }
        self.note(&answer);
        self.take(Candidate::all(&answer, &self.scope), &answer.holdings, confirm)?;
        if self.request.dry_run {
            return self.rehearse(&answer);
        }
        let give_up = Instant::now().checked_add(self.request.settings.grace.saturating_add(PURSUIT));
        loop {
            let sockets = &self.sockets;
            let ending = self.campaign.run(&mut |identity| recheck(identity, sockets)).map_err(FreeError::Wait)?;
            let is_over = ending == Ending::Interrupted || give_up.is_some_and(|give_up| Instant::now() >= give_up);
            if !is_over && self.adopt_orphans() {
                continue;
            }
            answer = self.look_again()?;
            if is_over {
                break;
            }
            let successors = self.successors(&answer).map_err(FreeError::Wait)?;
            if successors.is_empty() {
                break;
            }
            self.take(successors, &answer.holdings, confirm)?;
        }
        if let Some(respawned) = self.settle(&answer)? {
            answer = respawned;
        }
        self.note(&answer);
        account::close(&self, &self.campaign.outcomes(), &answer).map_err(FreeError::Wait)
    }

    /// Tells what would be done.
    fn rehearse(&self, answer: &Answer) -> Result<Report, FreeError> {
        let signal = self.request.settings.signal;
        let mut stopped = self.campaign.rehearsal();
        if self.request.settings.tree {
            let mut seen: HashSet<Identity> = stopped.iter().map(|one| one.identity).collect();
            let below = self.descendants.iter().filter(|(_, stat)| seen.insert(stat.identity()));
            stopped.extend(below.map(|(root, stat)| Stopped::would_signal(stat, *root, signal)));
        }
        account::close(self, &stopped, answer).map_err(FreeError::Wait)
    }

    fn note(&mut self, answer: &Answer) {
        let at_stake = answer.holdings.iter().map(|holding| &holding.socket).filter(|socket| self.scope.covers(socket));
        self.held.extend(at_stake.map(|socket| (socket.local.port(), socket.protocol)));
    }

    /// Decides about each candidate, masters before their workers, and enlists those that may be stopped.
    fn take(
        &mut self,
        mut candidates: Vec<Candidate>,
        holdings: &[Holding],
        confirm: &mut Confirm<'_>,
    ) -> Result<(), FreeError> {
        let pids: Vec<u32> = candidates.iter().map(|candidate| candidate.process.pid).collect();
        for (candidate, memory) in candidates.iter_mut().zip(memory::of_processes(&pids)) {
            candidate.memory = memory;
            self.memory.extend(memory.map(|memory| (candidate.identity(), memory)));
        }
        let mut in_order = Vec::new();
        for candidate in candidates {
            match process::stat(candidate.process.pid).map_err(FreeError::Wait)? {
                Some(stat) if stat.identity() == candidate.identity() => {
                    let depth = tree::ancestors(&stat).map_err(FreeError::Wait)?.len();
                    in_order.push((depth, stat, candidate));
                }
                _ => self.decide(&candidate, Outcome::Gone, "it had ended"),
            }
        }
        in_order.sort_by_key(|(depth, ..)| *depth);
        for (_, stat, mut candidate) in in_order {
            let verdict = verdict::judge(&candidate, holdings, self.request, &self.guard).map_err(FreeError::Wait)?;
            if self.request.settings.tree {
                candidate.descendants = tree::members(stat.pid).map_err(FreeError::Wait)?.len().saturating_sub(1);
            }
            if let Verdict::Stop(Some(Keeper::Supervisor(supervisor))) = &verdict {
                candidate.supervisor = Some(supervisor.clone());
            }
            match verdict {
                Verdict::Spare(reason) => drop(self.spared.insert(candidate.identity(), reason)),
                Verdict::Refuse { reason, hint } => {
                    self.hints.extend(hint);
                    self.decide(&candidate, Outcome::Refused, reason);
                }
                Verdict::Stop(_) if !self.request.dry_run && !confirm(&candidate).map_err(FreeError::Ask)? => {
                    self.decide(&candidate, Outcome::Refused, "you did not agree");
                }
                Verdict::Stop(keeper) => self.enlist(&stat, &candidate, keeper).map_err(FreeError::Wait)?,
            }
        }
        Ok(())
    }

    fn enlist(&mut self, stat: &Stat, candidate: &Candidate, keeper: Option<Keeper>) -> io::Result<()> {
        let identity = candidate.identity();
        self.kin.insert((stat.session, stat.group));
        self.sockets.insert(identity, candidate.sockets.clone());
        self.ports.insert(identity, candidate.ports());
        let below: Vec<Stat> = tree::members(stat.pid)?.into_iter().skip(1).collect();
        if self.request.settings.tree {
            self.weigh(&below);
        }
        self.descendants.extend(below.into_iter().map(|below| (identity, below)));
        match &keeper {
            Some(Keeper::Supervisor(supervisor)) => {
                let is_forced = self.request.settings.signal == Signal::KILL;
                let ports = self.ports.entry(supervisor.identity()).or_default();
                ports.extend(candidate.ports());
                ports.sort_unstable();
                ports.dedup();
                if let Some(stat) = process::stat(supervisor.pid)? {
                    self.campaign.enlist(&stat, Role::Supervisor);
                }
                // killed, the supervisor cannot stop its server any more
                if is_forced { self.campaign.enlist(stat, Role::Holder) } else { self.campaign.watch(stat) }
            }
            _ => self.campaign.enlist(stat, Role::Holder),
        }
        self.keepers.extend(keeper.map(|keeper| (identity, keeper)));
        Ok(())
    }

    /// Reads the memory of those whose memory is not known yet.
    fn weigh(&mut self, processes: &[Stat]) {
        let known = &self.memory;
        let unknown: Vec<&Stat> = processes.iter().filter(|stat| !known.contains_key(&stat.identity())).collect();
        let pids: Vec<u32> = unknown.iter().map(|stat| stat.pid).collect();
        for (stat, memory) in unknown.iter().zip(memory::of_processes(&pids)) {
            self.memory.extend(memory.map(|memory| (stat.identity(), memory)));
        }
    }

    fn decide(&mut self, candidate: &Candidate, outcome: Outcome, reason: &'static str) {
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

    fn look_again(&self) -> Result<Answer, FreeError> {
        let inodes: HashSet<u64> = self.sockets.values().flatten().map(|socket| socket.inode).collect();
        Ok(aftermath::look_again(&self.scope, &inodes)?)
    }

    /// Adds what a supervisor left of its server's tree, where trees are stopped.
    fn adopt_orphans(&mut self) -> bool {
        let mut any = false;
        for (root, stat) in self.descendants.iter().filter(|_| self.request.settings.tree) {
            if !self.campaign.knows(stat.identity()) && stat.identity().is_running().unwrap_or(false) {
                self.campaign.adopt(stat, *root);
                any = true;
            }
        }
        any
    }

    /// Returns the new holders that belong to those that were stopped: they were forked meanwhile.
    fn successors(&self, answer: &Answer) -> io::Result<Vec<Candidate>> {
        let stopped: HashSet<Identity> = self.sockets.keys().copied().collect();
        let inodes: HashSet<u64> = self.sockets.values().flatten().map(|socket| socket.inode).collect();
        let mut successors = Candidate::all(answer, &self.scope);
        successors.retain(|one| !self.campaign.knows(one.identity()) && !self.spared.contains_key(&one.identity()));
        let mut kin = Vec::new();
        for candidate in successors {
            let inherited = candidate.sockets.iter().any(|socket| socket.inode != 0 && inodes.contains(&socket.inode));
            let Some(stat) = process::stat(candidate.process.pid)? else { continue };
            if inherited || aftermath::belongs(&stat, &stopped, &self.kin)? {
                kin.push(candidate);
            }
        }
        Ok(kin)
    }

    /// Watches that the ports stay free; returns who took one.
    fn settle(&self, answer: &Answer) -> Result<Option<Answer>, FreeError> {
        let deadline = Instant::now().checked_add(self.request.settle);
        let is_held = answer.holdings.iter().any(|holding| self.scope.covers(&holding.socket));
        while !is_held && deadline.is_none_or(|deadline| Instant::now() < deadline) {
            let pause = Instant::now() + SETTLE_INTERVAL;
            let pause = deadline.map_or(pause, |deadline| pause.min(deadline));
            let interrupt: Vec<BorrowedFd<'_>> = self.interrupt.iter().map(AsFd::as_fd).collect();
            if !handle::ended(&interrupt, Some(pause)).map_err(FreeError::Wait)?.is_empty() {
                break;
            }
            if !aftermath::open_sockets(&self.scope)?.is_empty() {
                return Ok(Some(look(&self.scope.query)?));
            }
        }
        Ok(None)
    }
}

fn recheck(identity: Identity, sockets: &HashMap<Identity, Vec<Socket>>) -> Option<(Outcome, String)> {
    let held = sockets.get(&identity)?;
    match holds(identity.pid, held) {
        Ok(true) => None,
        Ok(false) => Some((Outcome::Gone, "it holds the port no more".into())),
        Err(_) => Some((Outcome::Denied, "it cannot be seen whether it still holds the port".into())),
    }
}
