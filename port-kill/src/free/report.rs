//! What came of each process and each port, from all that was found out.

use std::{collections::BTreeSet, io};

use proc_tree::usage::memory;

use super::{ports::Ports, summary::Summary};
use crate::{
    hint::Hint,
    outcome::{Outcome, ProcessOutcome, Report},
    stop::Stopped,
    supervisor::Supervisor,
};

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
        Ports::of(self).report(&mut report)?;
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
        let spared = self.findings.spared.keys().copied();
        let left = self.findings.descendants.left_behind(self.stopped, spared)?;
        if left.is_empty() {
            return Ok(());
        }
        let pids: Vec<u32> = left.iter().map(|(_, stat)| stat.pid).collect();
        for ((root, stat), memory) in left.iter().zip(memory::of_processes(&pids)) {
            let mut one = Stopped::descendant(stat, *root, Outcome::Survived);
            one.reason = Some("its server ended".into());
            report.processes.extend(self.on_each_port(&one, memory));
        }
        report.hint(Hint::LeftBehind(pids));
        Ok(())
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
            return report.hint(Hint::Root(self.request.words(&ports)));
        }
        if let Some(why) = port_who::report::unseen_by_root(self.answer) {
            report.hint(Hint::Unseen(why));
        }
    }
}
