//! One call from the first look to the last.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    io,
    os::fd::{AsFd, BorrowedFd},
    time::{Duration, Instant},
};

use port_who::{Answer, Protocol, Socket, holds, look};
use proc_tree::{Facts, Identity, Stat, handle, process, tree};

use super::{Candidate, Confirm, FreeError, account, aftermath, supervisor};
use crate::{
    Outcome, ProcessOutcome, Report, Request, Role, Stopped, Target,
    guard::Guard,
    request::{Scope, is_named, is_selected},
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
    /// Those holders; they are not looked at again.
    pub(super) spared: HashMap<Identity, &'static str>,
    /// Which sockets each holder was seen with.
    pub(super) sockets: HashMap<Identity, Vec<Socket>>,
    /// Which ports each process is reported for.
    pub(super) ports: HashMap<Identity, Vec<u16>>,
    /// The ports that were held at some time.
    pub(super) held: BTreeSet<(u16, Protocol)>,
    /// The sessions and process groups of the holders.
    kin: HashSet<(u32, u32)>,
    /// What descended from each holder before it was signalled.
    pub(super) descendants: Vec<(Identity, Stat)>,
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
        })
    }

    pub(super) fn run(mut self, confirm: &mut Confirm<'_>) -> Result<Report, FreeError> {
        let mut answer = look(&self.scope.query)?;
        if let Target::Processes(selected) = &self.request.target {
            self.scope.narrow(answer.holdings.iter().filter(|one| selected.iter().any(|named| is_named(named, one))));
            self.decided.extend(account::unmatched(selected, &answer));
        }
        self.note(&answer);
        let candidates = Candidate::all(&answer, &self.scope);
        self.take(candidates, confirm)?;
        if self.request.dry_run {
            return self.rehearse(&answer);
        }
        let give_up = Instant::now().checked_add(self.request.settings.grace.saturating_add(PURSUIT));
        loop {
            let sockets = &self.sockets;
            let ending = self.campaign.run(&mut |identity| recheck(identity, sockets)).map_err(FreeError::Wait)?;
            answer = self.look_again()?;
            if ending == Ending::Interrupted || give_up.is_some_and(|give_up| Instant::now() >= give_up) {
                break;
            }
            let successors = self.successors(&answer).map_err(FreeError::Wait)?;
            if successors.is_empty() {
                break;
            }
            self.take(successors, confirm)?;
        }
        if let Some(respawned) = self.settle(&answer)? {
            answer = respawned;
        }
        self.note(&answer);
        account::close(&self, self.campaign.outcomes(), &answer).map_err(FreeError::Wait)
    }

    fn note(&mut self, answer: &Answer) {
        let at_stake = answer.holdings.iter().map(|holding| &holding.socket).filter(|socket| self.scope.covers(socket));
        self.held.extend(at_stake.map(|socket| (socket.local.port(), socket.protocol)));
    }

    fn look_again(&self) -> Result<Answer, FreeError> {
        let inodes: HashSet<u64> = self.sockets.values().flatten().map(|socket| socket.inode).collect();
        Ok(aftermath::look_again(&self.scope, &inodes)?)
    }

    /// Decides about each candidate, masters before their workers.
    fn take(&mut self, candidates: Vec<Candidate>, confirm: &mut Confirm<'_>) -> Result<(), FreeError> {
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
        for (_, stat, candidate) in in_order {
            self.take_one(&stat, candidate, confirm)?;
        }
        Ok(())
    }

    fn take_one(&mut self, stat: &Stat, candidate: Candidate, confirm: &mut Confirm<'_>) -> Result<(), FreeError> {
        if let Some(reason) = self.exclusion(&candidate) {
            self.spared.insert(candidate.identity(), reason);
            return Ok(());
        }
        let supervisor = supervisor::of(&candidate.process).map_err(FreeError::Wait)?;
        let refusal = self.guard.refusal(candidate.identity());
        let refusal = refusal.or_else(|| {
            let supervisor = supervisor.as_ref()?;
            self.guard.refusal(supervisor.identity()).map(|_| "its supervisor is an ancestor of this process")
        });
        if let Some(reason) = refusal {
            self.decide(&candidate, Outcome::Refused, reason);
            return Ok(());
        }
        if !self.request.dry_run && !confirm(&candidate).map_err(FreeError::Ask)? {
            self.decide(&candidate, Outcome::Refused, "you did not agree");
            return Ok(());
        }
        self.enlist(stat, &candidate, supervisor.as_ref()).map_err(FreeError::Wait)
    }

    fn exclusion(&self, candidate: &Candidate) -> Option<&'static str> {
        let process = &candidate.process;
        let is_named = match &self.request.target {
            Target::Ports(_) => true,
            Target::Processes(selected) => {
                let by = |one| candidate.sockets.iter().any(|socket| is_selected(one, process, socket));
                selected.iter().any(by)
            }
        };
        (!is_named || !self.request.filter.takes(process)).then_some("it was not selected")
    }

    fn enlist(&mut self, stat: &Stat, candidate: &Candidate, supervisor: Option<&Facts>) -> io::Result<()> {
        let identity = candidate.identity();
        self.kin.insert((stat.session, stat.group));
        self.sockets.insert(identity, candidate.sockets.clone());
        self.ports.insert(identity, candidate.ports());
        let below = tree::members(stat.pid)?.into_iter().skip(1).map(|below| (identity, below));
        self.descendants.extend(below);
        match supervisor {
            Some(supervisor) => {
                let ports = self.ports.entry(supervisor.identity()).or_default();
                ports.extend(candidate.ports());
                ports.sort_unstable();
                ports.dedup();
                if let Some(stat) = process::stat(supervisor.pid)? {
                    self.campaign.enlist(&stat, Role::Supervisor);
                }
                self.campaign.watch(stat);
            }
            None => self.campaign.enlist(stat, Role::Holder),
        }
        Ok(())
    }

    fn decide(&mut self, candidate: &Candidate, outcome: Outcome, reason: &'static str) {
        self.spared.insert(candidate.identity(), reason);
        for port in candidate.ports() {
            self.decided.push(ProcessOutcome {
                port: Some(port),
                pid: Some(candidate.process.pid),
                start_id: Some(candidate.process.start_id),
                name: Some(candidate.process.name.clone()),
                role: Role::Holder,
                outcome,
                signal: None,
                elapsed: None,
                reason: Some(reason.to_owned()),
                ignored: None,
                memory: candidate.memory,
            });
        }
    }

    /// Returns the new holders that belong to those that were stopped: they were forked meanwhile.
    fn successors(&self, answer: &Answer) -> io::Result<Vec<Candidate>> {
        let stopped: HashSet<Identity> = self.sockets.keys().copied().collect();
        let inodes: HashSet<u64> = self.sockets.values().flatten().map(|socket| socket.inode).collect();
        let mut successors = Vec::new();
        for candidate in Candidate::all(answer, &self.scope) {
            if self.campaign.knows(candidate.identity()) || self.spared.contains_key(&candidate.identity()) {
                continue;
            }
            let inherited = candidate.sockets.iter().any(|socket| socket.inode != 0 && inodes.contains(&socket.inode));
            let stat = process::stat(candidate.process.pid)?;
            let kin = match &stat {
                Some(stat) => inherited || aftermath::belongs(stat, &stopped, &self.kin)?,
                None => false,
            };
            if kin {
                successors.push(candidate);
            }
        }
        Ok(successors)
    }

    /// Watches that the ports stay free; returns who took one.
    fn settle(&self, answer: &Answer) -> Result<Option<Answer>, FreeError> {
        let deadline = Instant::now().checked_add(self.request.settle);
        let is_held = answer.holdings.iter().any(|holding| self.scope.covers(&holding.socket));
        while !is_held && deadline.is_some_and(|deadline| Instant::now() < deadline) {
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

    /// Tells what would be done.
    fn rehearse(&self, answer: &Answer) -> Result<Report, FreeError> {
        let signal = self.request.settings.signal;
        let mut stopped = self.campaign.rehearsal();
        if self.request.settings.tree {
            let mut seen: HashSet<Identity> = stopped.iter().map(|one| one.identity).collect();
            let below = self.descendants.iter().filter(|(_, stat)| seen.insert(stat.identity()));
            stopped.extend(below.map(|(root, stat)| Stopped::would_signal(stat, *root, signal)));
        }
        account::close(self, stopped, answer).map_err(FreeError::Wait)
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
