//! What came of each port, and why one is still held.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
};

use port_who::{Answer, Holding, Protocol, Socket};
use proc_tree::{Facts, users};

use super::{request::Target, scope::Scope, summary::Summary};
use crate::{
    hint::Hint,
    outcome::{Holder, Outcome, PortOutcome, ProcessOutcome, Report},
    supervisor::{self, Supervisor, Supervisors},
};

/// The ports that are at stake, in the end.
pub(super) struct Ports<'s> {
    summary: &'s Summary<'s>,
    supervisors: Supervisors,
}

impl<'s> Ports<'s> {
    pub(super) fn of(summary: &'s Summary<'s>) -> Self {
        Self { summary, supervisors: Supervisors::default() }
    }

    /// Reports what came of each port.
    pub(super) fn report(&mut self, report: &mut Report) -> io::Result<()> {
        let mut held = holders(self.summary.answer, self.summary.scope);
        for (port, protocol) in self.at_stake(report) {
            let holders = protocol.and_then(|protocol| held.remove(&(port, protocol))).unwrap_or_default();
            let was_held = protocol.is_some_and(|protocol| self.summary.findings.held.contains(&(port, protocol)));
            let why = if holders.is_empty() { None } else { Some(self.why_held(port, &holders, report)?) };
            let held_by = holders.iter().map(Holder::of).collect();
            let outcome = port_outcome(port, protocol, was_held, held_by, why);
            let mut outcome = PortOutcome { left_alone: self.are_left_alone(&holders), ..outcome };
            let kept_up = protocol.and_then(|protocol| self.summary.findings.kept_up.get(&(port, protocol)));
            if let Some(reason) = kept_up.filter(|_| outcome.free) {
                outcome.reason = Some(reason.clone());
            }
            report.ports.push(outcome);
        }
        for (port, reason) in &self.summary.findings.unsettled {
            if !report.ports.iter().any(|one| one.port == *port && !one.free) {
                report.ports.push(still_held(*port, reason.clone()));
            }
        }
        Ok(())
    }

    /// Tells whether a filter leaves all of these out. One that may be meant is not left out.
    fn are_left_alone(&self, holders: &[Holding]) -> bool {
        !holders.is_empty() && !holders.iter().any(|holding| self.summary.request.filter.admits(holding))
    }

    /// Each port that was held, and each that was named by itself: a range is not written out.
    fn at_stake(&self, report: &mut Report) -> BTreeSet<(u16, Option<Protocol>)> {
        let held = &self.summary.findings.held;
        let mut ports: BTreeSet<(u16, Option<Protocol>)> =
            held.iter().map(|&(port, protocol)| (port, Some(protocol))).collect();
        let Target::Ports(specs) = &self.summary.request.target else { return ports };
        for spec in specs {
            let is_meant = |&&(port, protocol): &&(u16, Protocol)| spec.has(protocol, port);
            let of_spec: Vec<(u16, Protocol)> =
                held.iter().chain(self.summary.findings.kept_up.keys()).filter(is_meant).copied().collect();
            let text = spec.to_string();
            if of_spec.is_empty() && !report.unheld.contains(&text) {
                report.unheld.push(text);
            }
            let single = spec.ranges().iter().filter(|(low, high)| low == high).map(|&(port, _)| port);
            let untouched = single.filter(|port| !of_spec.iter().any(|(one, _)| one == port));
            ports.extend(untouched.map(|port| (port, spec.protocol())));
            ports.extend(of_spec.iter().map(|&(port, protocol)| (port, Some(protocol))));
        }
        ports
    }

    fn why_held(&mut self, port: u16, holders: &[Holding], report: &mut Report) -> io::Result<String> {
        let mut reasons: Vec<String> = Vec::new();
        for holding in holders {
            let reason = match &holding.process {
                Some(process) => self.why_held_by(process, &holding.socket, report)?,
                None if self.summary.request.filter.admits(holding) => {
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

    fn why_held_by(&mut self, process: &Facts, socket: &Socket, report: &mut Report) -> io::Result<String> {
        let held = std::slice::from_ref(socket);
        let name = format!("{} ({})", process.name, process.pid);
        if let Some(reason) = self.summary.findings.spared.get(&process.identity()) {
            return Ok(format!("{name} was left alone: {reason}"));
        }
        if self.summary.request.dry_run {
            return Ok(format!("{name} holds it"));
        }
        if let Some(one) = self.summary.stopped.iter().find(|one| one.identity == process.identity()) {
            let reason = one.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
            return Ok(format!("{name} {}{reason}", one.outcome.word()));
        }
        if let Some(supervisor @ (Supervisor::Program { .. } | Supervisor::Manager(_))) =
            self.supervisors.of(process, held)?
        {
            report.hint(Hint::Restart(supervisor));
        }
        let by = supervisor::starter(&mut self.supervisors, process, held)?
            .map(|by| format!(", started by {by}"))
            .unwrap_or_default();
        Ok(format!("{name} took it again{by}"))
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
    let user = holding.socket.uid.map(users::title);
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
