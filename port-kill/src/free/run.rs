//! One call from the first look to the last.

use std::{
    io,
    os::fd::BorrowedFd,
    time::{Duration, Instant},
};

use port_who::{Answer, Holding, look};
use proc_tree::{Facts, Identity, Stat, process};

use super::{
    candidate::Candidate,
    error::FreeError,
    evidence,
    findings::Findings,
    in_use,
    named::{is_named, unmatched},
    plan::{HolderVerdict, judge},
    recheck,
    request::{Request, Target},
    scope::Scope,
    successors,
    summary::Summary,
    watch,
};
use crate::{
    hint::Hint,
    outcome::{Outcome, ProcessOutcome, Report, Role},
    stop::{Claim, Finish, Observer, StopRun, Stopped},
    supervisor::{KeptUp, Supervisor, Supervisors},
};

/// How long masters that fork and fork again are followed beyond the grace.
const PURSUIT: Duration = Duration::from_secs(5);

/// Asks whether a process may be signalled.
pub type Confirm<'c> = dyn FnMut(&Candidate) -> io::Result<bool> + 'c;

/// Frees ports: stops every holder that may be stopped and asks the kernel what came of it.
///
/// `confirm` is asked once per process. When `interrupt` becomes readable, the work ends early and nobody is killed.
///
/// # Errors
/// When the ports' holders cannot be found out; "free" is never said for "I cannot see".
pub fn free(
    request: &Request,
    confirm: &mut Confirm<'_>,
    interrupt: Option<BorrowedFd<'_>>,
) -> Result<Report, FreeError> {
    free_observed(request, confirm, None, interrupt)
}

/// Frees ports as [`free()`] does, and lets somebody see whom it waits for.
///
/// # Errors
/// As [`free()`].
pub fn free_observed<'r>(
    request: &'r Request,
    confirm: &mut Confirm<'_>,
    observer: Option<&'r mut Observer<'r>>,
    interrupt: Option<BorrowedFd<'r>>,
) -> Result<Report, FreeError> {
    let stop = StopRun::new(&request.options, interrupt).map_err(FreeError::Wait)?.observed_by(observer);
    let (scope, findings, supervisors) = (Scope::of(&request.target), Findings::default(), Supervisors::default());
    FreeRun { request, scope, stop, interrupt, findings, supervisors }.run(confirm)
}

struct FreeRun<'r> {
    request: &'r Request,
    scope: Scope,
    stop: StopRun<'r>,
    interrupt: Option<BorrowedFd<'r>>,
    findings: Findings,
    supervisors: Supervisors,
}

impl FreeRun<'_> {
    fn run(mut self, confirm: &mut Confirm<'_>) -> Result<Report, FreeError> {
        let mut answer = look(&self.scope.query)?;
        if let Target::Processes(selected) = &self.request.target {
            self.scope.narrow(answer.holdings.iter().filter(|one| selected.iter().any(|named| is_named(named, one))));
            self.findings.decided = unmatched(selected, &answer);
            let may_hold = |one: &&ProcessOutcome| matches!(one.outcome, Outcome::Refused | Outcome::Denied);
            let unsettled = self.findings.decided.iter().filter(may_hold);
            self.findings.unsettled = unsettled.filter_map(|one| Some((one.port?, one.reason.clone()))).collect();
            self.hint_without_port();
        }
        self.findings.note(&answer, &self.scope);
        self.take(Candidate::all(&answer, &self.scope), &answer.holdings, confirm)?;
        self.take_supervisors(confirm)?;
        if self.request.dry_run {
            let mut stopped = self.stop.rehearsal();
            if self.request.options.tree {
                self.findings.descendants.rehearse(&self.stop, &mut stopped);
            }
            return self.report(&stopped, &answer);
        }
        let give_up = Instant::now().checked_add(self.request.options.grace.saturating_add(PURSUIT));
        loop {
            let finish = self.stop.run().map_err(FreeError::Wait)?;
            let is_over = finish == Finish::Interrupted || give_up.is_some_and(|give_up| Instant::now() >= give_up);
            // a supervisor may have left something of its server's tree
            if !is_over && self.request.options.tree && self.findings.descendants.add_orphans(&mut self.stop) {
                continue;
            }
            answer = recheck::look_again(&self.scope, &self.findings.inodes())?;
            if is_over {
                break;
            }
            let successors = successors::find(&answer, &self.scope, &self.findings, &self.stop);
            let successors = successors.map_err(FreeError::Wait)?;
            if successors.is_empty() {
                break;
            }
            self.take(successors, &answer.holdings, confirm)?;
        }
        if let Some(respawned) = watch::watch(self.request, &self.scope, &answer, self.interrupt)? {
            answer = respawned;
        }
        self.findings.note(&answer, &self.scope);
        self.report(&self.stop.outcomes(), &answer)
    }

    /// Says how to end those that hold no port; of what must not be signalled nothing is said.
    fn hint_without_port(&mut self) {
        let without = self.findings.decided.iter().filter(|one| one.outcome == Outcome::NoPort);
        let identity = |one: &ProcessOutcome| Some(Identity { pid: one.pid?, start_id: one.start_id? });
        let touchable = without.filter_map(identity).filter(|&process| self.stop.refusal(process).is_none());
        let pids: Vec<u32> = touchable.map(|process| process.pid).collect();
        if !pids.is_empty() {
            self.findings.hints.push(Hint::NoPort(pids));
        }
    }

    fn report(&self, stopped: &[Stopped], answer: &Answer) -> Result<Report, FreeError> {
        let Self { request, scope, findings, .. } = self;
        let mut report = Summary { request, scope, findings, stopped, answer }.report().map_err(FreeError::Wait)?;
        in_use::note(&mut report.ports, scope, &request.filter);
        Ok(report)
    }

    /// Decides about each candidate, masters before their workers, and takes in those that may be stopped.
    fn take(
        &mut self,
        mut candidates: Vec<Candidate>,
        holdings: &[Holding],
        confirm: &mut Confirm<'_>,
    ) -> Result<(), FreeError> {
        self.findings.weigh(&mut candidates);
        let mut in_order = Vec::new();
        for candidate in candidates {
            let stat = process::stat_of(candidate.identity()).map_err(FreeError::Wait)?;
            let depth = stat.as_ref().map(|stat| self.supervisors.depth(stat)).transpose().map_err(FreeError::Wait)?;
            in_order.push((depth.unwrap_or(0), stat, candidate));
        }
        in_order.sort_by_key(|(depth, ..)| *depth);
        for (_, stat, candidate) in in_order {
            self.decide(stat.as_ref(), candidate, holdings, confirm)?;
        }
        Ok(())
    }

    fn decide(
        &mut self,
        stat: Option<&Stat>,
        mut candidate: Candidate,
        holdings: &[Holding],
        confirm: &mut Confirm<'_>,
    ) -> Result<(), FreeError> {
        let refusal = |process| self.stop.refusal(process);
        let (evidence, supervisor) =
            evidence::gather(&candidate, stat.is_none(), self.request, refusal, &mut self.supervisors)
                .map_err(FreeError::Wait)?;
        let (verdict, findings) = (judge(evidence), &mut self.findings);
        match (verdict, stat) {
            (HolderVerdict::Gone, _) | (_, None) => findings.decide(&candidate, Outcome::Gone, "it had ended"),
            (HolderVerdict::Spare, _) => {
                findings.spared.insert(candidate.identity(), "it was not selected");
            }
            (HolderVerdict::Refuse(reason), _) => {
                findings.hints.extend(evidence::instead(&candidate, evidence, holdings));
                findings.decide(&candidate, Outcome::Refused, reason);
            }
            (HolderVerdict::Stop | HolderVerdict::StopSupervisor, Some(stat)) => {
                candidate.supervisor = supervisor;
                candidate.signal = self.stop.first_signal(Role::Holder, &candidate.process.name);
                let below = self.stop.descendants(stat).map_err(FreeError::Wait)?;
                candidate.descendants = if self.request.options.tree { below.len() } else { 0 };
                if !self.request.dry_run && !confirm(&candidate).map_err(FreeError::Ask)? {
                    findings.decide(&candidate, Outcome::Refused, "you did not agree");
                    return Ok(());
                }
                let (stop, options) = (&mut self.stop, &self.request.options);
                findings.enlist(stop, options, stat, candidate, below).map_err(FreeError::Wait)?;
            }
        }
        Ok(())
    }

    /// Takes in the supervisors that would start a server again on a port where nobody listens now.
    fn take_supervisors(&mut self, confirm: &mut Confirm<'_>) -> Result<(), FreeError> {
        let Target::Ports(specs) = &self.request.target else { return Ok(()) };
        for (process, kept) in self.supervisors.of_ports(specs).map_err(FreeError::Wait)? {
            let filter = &self.request.filter;
            let is_left_out = filter.user.is_some_and(|user| process.uid != Some(user));
            let is_held = self.findings.held.contains(&kept);
            if !is_held && !is_left_out && !self.stop.knows(process.identity()) {
                self.take_supervisor(process, kept, confirm)?;
            }
        }
        Ok(())
    }

    fn take_supervisor(&mut self, process: Facts, kept: KeptUp, confirm: &mut Confirm<'_>) -> Result<(), FreeError> {
        let own = rustix::process::geteuid();
        let (filter, findings) = (&self.request.filter, &mut self.findings);
        let identity = process.identity();
        let candidate = Candidate::supervisor(process.clone(), kept.0);
        let supervisor = Supervisor::EnsureUp(process);
        findings.kept_up.insert(kept, format!("nothing was listening; {} keeps it up", supervisor.name()));
        let left = if let Some(reason) = self.stop.refusal(identity) {
            Some((Outcome::Refused, reason))
        } else if !own.is_root() && candidate.process.uid != Some(own.as_raw()) {
            Some((Outcome::Denied, "it is another user's, and starts the server again"))
        } else if filter.name.is_some() || filter.command.is_some() {
            Some((Outcome::Refused, "the server that it starts again may be one that was not selected"))
        } else if !self.request.dry_run && !confirm(&candidate).map_err(FreeError::Ask)? {
            Some((Outcome::Refused, "you did not agree"))
        } else {
            None
        };
        if let Some((outcome, reason)) = left {
            findings.leave_supervisor(&candidate, outcome, reason);
            findings.hints.push(Hint::Restart(supervisor));
            return Ok(());
        }
        findings.report_for(identity, vec![kept.0]);
        if let Some(stat) = process::stat(identity.pid).map_err(FreeError::Wait)? {
            self.stop.add(&stat, Role::Supervisor, Claim::KeepsUp(kept));
        }
        Ok(())
    }
}
