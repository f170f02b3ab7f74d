//! What came of each process and each port, from all that was found out.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    io,
};

use port_who::{Answer, Holding, Protocol, Socket};
use proc_tree::{Facts, Identity, usage::memory, users};

use super::{
    findings::Findings,
    recheck,
    request::{Request, Target},
    scope::Scope,
};
use crate::{
    hint::Hint,
    outcome::{Holder, Outcome, PortOutcome, ProcessOutcome, Report},
    stop::Stopped,
    supervisor::{self, Supervisor, Supervisors},
};

/// All that a report is drawn up from.
pub(super) struct Summary<'s> {
    pub(super) request: &'s Request,
    pub(super) scope: &'s Scope,
    pub(super) findings: &'s Findings,
    pub(super) stopped: &'s [Stopped],
    /// What the last look at the ports showed.
    pub(super) answer: &'s Answer,
}

impl Summary<'_> {
    /// Draws up the report.
    pub(super) fn report(&self) -> io::Result<Report> {
        let findings = self.findings;
        let mut report =
            Report { processes: findings.decided.clone(), hints: findings.hints.clone(), ..Report::default() };
        for one in self.stopped {
            report.processes.extend(self.on_each_port(one, findings.memory.get(&one.identity).copied()));
        }
        if !self.request.dry_run && !self.request.options.tree {
            self.survivors(&mut report)?;
        }
        self.ports(&mut report)?;
        self.restarts(&mut report);
        self.denied(&mut report);
        report.processes.sort_by_key(|process| process.port);
        Ok(report)
    }

    fn on_each_port(&self, one: &Stopped, memory: Option<u64>) -> impl Iterator<Item = ProcessOutcome> {
        let ports = self.findings.ports.get(&one.identity).or_else(|| self.findings.ports.get(&one.root));
        ports.into_iter().flatten().map(move |&port| ProcessOutcome {
            pid: Some(one.identity.pid),
            start_id: Some(one.identity.start_id),
            name: Some(one.name.clone()),
            role: one.role,
            signal: one.signal,
            elapsed: one.elapsed,
            reason: one.reason.clone(),
            unanswered: one.unanswered,
            memory,
            ..ProcessOutcome::of_port(port, one.outcome)
        })
    }

    /// Adds the descendants that outlive their server.
    fn survivors(&self, report: &mut Report) -> io::Result<()> {
        let over: HashSet<Identity> =
            self.stopped.iter().filter(|one| one.outcome.is_end()).map(|one| one.identity).collect();
        let mut seen: HashSet<Identity> = self.stopped.iter().map(|one| one.identity).collect();
        seen.extend(self.findings.spared.keys());
        let mut roots: HashMap<Identity, Identity> = HashMap::new();
        let mut orphans = Vec::new();
        for (root, stat) in self.findings.descendants.iter().filter(|(root, _)| over.contains(root)) {
            if seen.insert(stat.identity()) {
                roots.insert(stat.identity(), *root);
                orphans.push(stat.clone());
            }
        }
        let left = recheck::left_behind(orphans)?;
        if left.is_empty() {
            return Ok(());
        }
        let pids: Vec<u32> = left.iter().map(|stat| stat.pid).collect();
        for (stat, memory) in left.iter().zip(memory::of_processes(&pids)) {
            let mut one = Stopped::descendant(stat, roots[&stat.identity()], Outcome::Survived);
            one.reason = Some("its server ended".into());
            report.processes.extend(self.on_each_port(&one, memory));
        }
        report.hint(Hint::LeftBehind(pids));
        Ok(())
    }

    fn ports(&self, report: &mut Report) -> io::Result<()> {
        let mut held = holders(self.answer, self.scope);
        let mut supervisors = Supervisors::default();
        for (port, protocol) in self.at_stake(report) {
            let holders = protocol.and_then(|protocol| held.remove(&(port, protocol))).unwrap_or_default();
            let was_held = protocol.is_some_and(|protocol| self.findings.held.contains(&(port, protocol)));
            let why = if holders.is_empty() {
                None
            } else {
                Some(self.why_held(port, &holders, report, &mut supervisors)?)
            };
            let held_by = holders.iter().map(Holder::of).collect();
            let outcome = port_outcome(port, protocol, was_held, held_by, why);
            let mut outcome = PortOutcome { left_alone: self.are_left_alone(&holders), ..outcome };
            if let Some(reason) = self.findings.kept_up.get(&port).filter(|_| outcome.free) {
                outcome.reason = Some(reason.clone());
            }
            report.ports.push(outcome);
        }
        for (port, reason) in &self.findings.unsettled {
            if !report.ports.iter().any(|one| one.port == *port && !one.free) {
                report.ports.push(still_held(*port, reason.clone()));
            }
        }
        Ok(())
    }

    /// Tells whether a filter leaves all of these out. One that may be meant is not left out.
    fn are_left_alone(&self, holders: &[Holding]) -> bool {
        !holders.is_empty() && !holders.iter().any(|holding| self.request.filter.admits(holding))
    }

    /// Each port that was held, and each that was named by itself: a range is not written out.
    fn at_stake(&self, report: &mut Report) -> BTreeSet<(u16, Option<Protocol>)> {
        let held = &self.findings.held;
        let mut ports: BTreeSet<(u16, Option<Protocol>)> =
            held.iter().map(|&(port, protocol)| (port, Some(protocol))).collect();
        let Target::Ports(specs) = &self.request.target else { return ports };
        for spec in specs {
            let was_held = |port| {
                let meant = |protocol| spec.protocol().is_none_or(|named| named == protocol);
                held.iter().any(|&(one, protocol)| one == port && meant(protocol))
            };
            let text = spec.to_string();
            let is_kept_up = |port| self.findings.kept_up.contains_key(&port);
            if !spec.ports().any(|port| was_held(port) || is_kept_up(port)) && !report.unheld.contains(&text) {
                report.unheld.push(text);
            }
            let single = spec.ranges().iter().filter(|(low, high)| low == high).map(|&(port, _)| port);
            ports.extend(
                self.findings.kept_up.keys().filter(|&&port| !was_held(port)).map(|&port| (port, spec.protocol())),
            );
            ports.extend(single.filter(|&port| !was_held(port)).map(|port| (port, spec.protocol())));
        }
        ports
    }

    fn why_held(
        &self,
        port: u16,
        holders: &[Holding],
        report: &mut Report,
        supervisors: &mut Supervisors,
    ) -> io::Result<String> {
        let mut reasons: Vec<String> = Vec::new();
        for holding in holders {
            let reason = match &holding.process {
                Some(process) => self.why_held_by(process, &holding.socket, report, supervisors)?,
                None if self.request.filter.admits(holding) => {
                    let denied = |one: &ProcessOutcome| one.port == Some(port) && one.outcome == Outcome::Denied;
                    if !report.processes.iter().any(denied) {
                        report.processes.push(unseen(port, holding));
                    }
                    "its owner is not visible to you".to_owned()
                }
                None => "its owner was left alone: it was not selected".to_owned(),
            };
            if !reasons.contains(&reason) {
                reasons.push(reason);
            }
        }
        Ok(reasons.join("; "))
    }

    fn why_held_by(
        &self,
        process: &Facts,
        socket: &Socket,
        report: &mut Report,
        supervisors: &mut Supervisors,
    ) -> io::Result<String> {
        let held = std::slice::from_ref(socket);
        let name = format!("{} ({})", process.name, process.pid);
        if let Some(reason) = self.findings.spared.get(&process.identity()) {
            return Ok(format!("{name} was left alone: {reason}"));
        }
        if self.request.dry_run {
            return Ok(format!("{name} holds it"));
        }
        if let Some(one) = self.stopped.iter().find(|one| one.identity == process.identity()) {
            let reason = one.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
            return Ok(format!("{name} {}{reason}", one.outcome.word()));
        }
        if let Some(supervisor @ (Supervisor::Program { .. } | Supervisor::Manager(_))) =
            supervisors.of(process, held)?
        {
            report.hint(Hint::Restart(supervisor));
        }
        let by =
            supervisor::starter(supervisors, process, held)?.map(|by| format!(", started by {by}")).unwrap_or_default();
        Ok(format!("{name} took it again{by}"))
    }

    /// Says who may start again what was stopped.
    fn restarts(&self, report: &mut Report) {
        let is_over = |one: &&Stopped| one.outcome.is_end() || one.outcome == Outcome::WouldSignal;
        for (identity, supervisor) in &self.findings.supervisors {
            let is_left = match supervisor {
                Supervisor::EnsureUp(_) => false,
                // one that held the port too was stopped with it
                Supervisor::Program { pid, .. } => !self.stopped.iter().any(|one| one.identity.pid == *pid),
                Supervisor::Manager(_) => true,
            };
            if is_left && self.stopped.iter().filter(is_over).any(|one| one.identity == *identity) {
                report.hint(Hint::Restart(supervisor.clone()));
            }
        }
    }

    /// Says what would let the user do it.
    fn denied(&self, report: &mut Report) {
        let denied = report.processes.iter().filter(|process| process.outcome == Outcome::Denied);
        let ports: BTreeSet<u16> = denied.filter_map(|process| process.port).collect();
        if ports.is_empty() {
            return;
        }
        if !rustix::process::geteuid().is_root() {
            return report.hint(Hint::Root(ports.into_iter().collect()));
        }
        if let Some(why) = port_who::report::unseen_by_root(self.answer) {
            report.hint(Hint::Unseen(why));
        }
    }
}

/// Returns who holds which port, the invisible ones as such.
fn holders(answer: &Answer, scope: &Scope) -> BTreeMap<(u16, Protocol), Vec<Holding>> {
    let mut held: BTreeMap<(u16, Protocol), Vec<Holding>> = BTreeMap::new();
    for holding in answer.holdings.iter().filter(|holding| scope.covers(&holding.socket)) {
        let port = held.entry((holding.socket.local.port(), holding.socket.protocol)).or_default();
        let identity = |holding: &Holding| holding.process.as_ref().map(Facts::identity);
        if !port.iter().any(|other| identity(other) == identity(holding)) {
            port.push(holding.clone());
        }
    }
    held
}

/// Decides what came of a port: it counts as freed when nobody holds it. A holder that cannot be seen is one.
fn port_outcome(
    port: u16,
    protocol: Option<Protocol>,
    was_held: bool,
    held_by: Vec<Holder>,
    why: Option<String>,
) -> PortOutcome {
    let free = held_by.is_empty();
    let reason = if free && !was_held { Some("nothing was listening".to_owned()) } else { why };
    PortOutcome { port, protocol, free, reason, held_by, left_alone: false, in_use: false }
}

/// A port of which nobody is known to hold it, and that is not said to be free.
fn still_held(port: u16, reason: Option<String>) -> PortOutcome {
    PortOutcome { port, protocol: None, free: false, reason, held_by: Vec::new(), left_alone: false, in_use: false }
}

fn unseen(port: u16, holding: &Holding) -> ProcessOutcome {
    let user = holding.socket.uid.map(|uid| users::name(uid).unwrap_or_else(|| uid.to_string()));
    let user = user.map(|user| format!(" (user {user})")).unwrap_or_default();
    ProcessOutcome {
        reason: Some(format!("owner not visible to you{user}")),
        ..ProcessOutcome::of_port(port, Outcome::Denied)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_freed_when_nobody_holds_it_whom_one_can_see_or_not() {
        let visible = Holder { pid: Some(7), start_id: Some(7), name: None, user: None };
        let invisible = Holder { pid: None, start_id: None, name: None, user: Some("postgres".into()) };
        let why = || Some("7 holds it".to_owned());
        let nothing = Some("nothing was listening".to_owned());
        for (was_held, held_by, why, free, reason) in [
            (false, vec![], None, true, nothing),
            (true, vec![], None, true, None),
            (true, vec![visible.clone()], why(), false, why()),
            (true, vec![invisible.clone()], why(), false, why()),
            (false, vec![invisible, visible], why(), false, why()),
        ] {
            let outcome = port_outcome(8000, None, was_held, held_by.clone(), why);
            assert_eq!((outcome.free, outcome.reason), (free, reason), "{was_held} {held_by:?}");
            assert_eq!(outcome.held_by, held_by);
        }
    }
}
