//! The way from the first signal to the end of the last process.

use std::{
    collections::HashSet,
    io,
    os::fd::{AsFd, BorrowedFd},
    time::{Duration, Instant},
};

use proc_tree::Signal;
use proc_tree::{Identity, Stat, handle, process};

use super::{KILL_PATIENCE, Settings, Stopped, descent::Halt, member::Member};
use crate::{Outcome, Role, guard::Guard};

/// A hundred years.
const AGES: Duration = Duration::from_hours(100 * 365 * 24);

/// Says why a process must be left alone after all, asked between its opening and its signal.
pub(crate) type Recheck<'r> = dyn FnMut(Identity) -> Option<(Outcome, String)> + 'r;

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// There is nobody left to wait for.
    Over,
    /// The deadline passed.
    Deadline,
    /// The interrupt became readable.
    Interrupted,
}

/// Some processes, and what is done about them. Processes may join between two runs; the deadline is that of the first.
#[derive(Debug)]
pub(crate) struct Campaign<'i> {
    pub(super) settings: Settings,
    guard: Guard,
    interrupt: Option<BorrowedFd<'i>>,
    pub(super) members: Vec<Member>,
    known: HashSet<Identity>,
    pub(super) begun: u64,
    /// The end of the grace, once it has begun.
    deadline: Option<Instant>,
}

impl<'i> Campaign<'i> {
    pub(crate) fn new(settings: Settings, guard: Guard, interrupt: Option<BorrowedFd<'i>>) -> Self {
        let begun = process::start_id_now();
        Self { settings, guard, interrupt, members: Vec::new(), known: HashSet::new(), begun, deadline: None }
    }

    /// Adds a process that was asked for. A master is added before its workers, so that it is signalled first.
    pub(crate) fn enlist(&mut self, stat: &Stat, role: Role) {
        self.join(stat, stat.identity(), role);
    }

    /// Adds a process that somebody else is about to stop: it is waited for, and signalled only with SIGKILL.
    pub(crate) fn watch(&mut self, stat: &Stat) {
        self.join(stat, stat.identity(), Role::Holder);
        let watched = self.members.iter_mut().filter(|member| member.stopped.identity == stat.identity());
        watched.for_each(|member| member.watched = true);
    }

    /// Adds a process that descends from one that was asked for.
    pub(crate) fn adopt(&mut self, stat: &Stat, root: Identity) {
        self.join(stat, root, Role::Descendant);
    }

    /// Adds a process that was asked for and is not there.
    pub(crate) fn gone(&mut self, identity: Identity) {
        let mut member = Member::of(identity, identity, Role::Holder);
        member.settle(Outcome::Gone, Some("it had ended".into()));
        self.members.push(member);
    }

    pub(crate) fn knows(&self, identity: Identity) -> bool {
        self.known.contains(&identity)
    }

    /// Returns what came of each, in the order in which they joined. A descendant that ended by itself is nobody's news.
    pub(crate) fn outcomes(&self) -> Vec<Stopped> {
        let is_news = |one: &&Stopped| one.role != Role::Descendant || one.outcome != Outcome::Gone;
        self.members.iter().map(|member| &member.stopped).filter(is_news).cloned().collect()
    }

    /// Returns what would come of each, without a signal.
    pub(crate) fn rehearsal(&self) -> Vec<Stopped> {
        let rehearse = |member: &Member| match &member.handle {
            Some(_) => Stopped {
                outcome: Outcome::WouldSignal,
                signal: Some(self.first_signal(member)),
                ..member.stopped.clone()
            },
            None => member.stopped.clone(),
        };
        self.members.iter().filter(|member| !member.watched).map(rehearse).collect()
    }

    /// Signals those that have joined since the last run, and returns when all have ended or nothing more can be done.
    pub(crate) fn run(&mut self, recheck: &mut Recheck<'_>) -> io::Result<Ending> {
        if self.is_interrupted()? {
            return Ok(self.give_up(Ending::Interrupted));
        }
        let grace = self.settings.grace;
        // as good as never, where it is beyond the clock
        let deadline = *self.deadline.get_or_insert_with(|| {
            let now = Instant::now();
            now.checked_add(grace).unwrap_or(now + AGES)
        });
        self.signal_fresh(recheck)?;
        let mut ending = self.wait(Some(deadline))?;
        if ending == Ending::Deadline && self.settings.escalate {
            self.kill()?;
            ending = self.wait(Instant::now().checked_add(KILL_PATIENCE))?;
        }
        Ok(self.give_up(ending))
    }

    fn give_up(&mut self, ending: Ending) -> Ending {
        let reason = if ending == Ending::Interrupted { "interrupted" } else { "still alive" };
        for member in self.members.iter_mut().filter(|member| member.handle.is_some()) {
            member.survives(reason);
        }
        ending
    }

    fn is_interrupted(&self) -> io::Result<bool> {
        Ok(!handle::ended(self.interrupt.as_slice(), Some(Instant::now()))?.is_empty())
    }

    pub(super) fn join(&mut self, stat: &Stat, root: Identity, role: Role) {
        if !self.known.insert(stat.identity()) {
            return;
        }
        let member = match self.guard.refusal(stat.identity()) {
            Some(reason) => Member::refused(stat, root, role, reason),
            None => Member::open(stat, root, role),
        };
        self.members.push(member);
    }

    pub(super) fn signal_fresh(&mut self, recheck: &mut Recheck<'_>) -> io::Result<()> {
        for position in 0..self.members.len() {
            let member = &self.members[position];
            if !member.is_fresh() {
                continue;
            }
            let signal = self.first_signal(member);
            let alone = !self.settings.tree || member.stopped.role == Role::Supervisor;
            let member = &mut self.members[position];
            if let Some((outcome, reason)) = recheck(member.stopped.identity) {
                member.settle(outcome, Some(reason));
            } else if alone {
                member.send(signal);
                member.resume_after(signal);
            }
        }
        if self.settings.tree { self.signal_fresh_trees() } else { Ok(()) }
    }

    fn signal_fresh_trees(&mut self) -> io::Result<()> {
        let signal = self.signal_now();
        self.halt(Halt::Gently, Member::is_fresh)?;
        let jobs: Vec<usize> =
            (0..self.members.len()).filter(|&position| self.members[position].is_fresh_job()).collect();
        self.send_to_halted(signal, Member::is_fresh);
        // those were not halted: what they forked until their signal came is found now, below them or astray
        for &position in &jobs {
            self.join_children(position)?;
        }
        self.join_strays()?;
        self.halt(Halt::Gently, Member::is_fresh)?;
        self.send_to_halted(signal, Member::is_fresh);
        Ok(())
    }

    /// Returns what to send to one that has not been signalled yet. Those that turn up after the grace get none.
    fn signal_now(&self) -> Signal {
        let is_late = self.deadline.is_some_and(|deadline| Instant::now() >= deadline);
        let has_grace = !self.settings.grace.is_zero();
        if is_late && has_grace && self.settings.escalate { Signal::KILL } else { self.settings.signal }
    }

    /// Whatever its server is stopped with: a supervisor stops on SIGTERM.
    fn first_signal(&self, member: &Member) -> Signal {
        match self.signal_now() {
            signal if member.stopped.role != Role::Supervisor || signal == Signal::KILL => signal,
            _ => Signal::TERM,
        }
    }

    fn kill(&mut self) -> io::Result<()> {
        let open = |member: &Member| member.handle.is_some();
        if self.settings.tree {
            self.halt(Halt::All, open)?;
        }
        self.send_to_halted(Signal::KILL, open);
        Ok(())
    }

    /// Signals parents first, and lets them run children first: a parent that ends while its process group is halted
    /// would bring SIGHUP upon it (setpgid(2) on orphaned groups).
    fn send_to_halted(&mut self, signal: Signal, chosen: impl Fn(&Member) -> bool) {
        let chosen: Vec<usize> = (0..self.members.len()).filter(|&position| chosen(&self.members[position])).collect();
        for &position in &chosen {
            self.members[position].send(signal);
        }
        for &position in chosen.iter().rev() {
            self.members[position].resume_after(signal);
        }
    }

    fn wait(&mut self, deadline: Option<Instant>) -> io::Result<Ending> {
        loop {
            let open: Vec<usize> =
                (0..self.members.len()).filter(|&position| self.members[position].handle.is_some()).collect();
            if open.is_empty() {
                return Ok(Ending::Over);
            }
            let handles = open.iter().filter_map(|&position| self.members[position].handle.as_ref().map(AsFd::as_fd));
            let watched: Vec<BorrowedFd<'_>> = handles.chain(self.interrupt).collect();
            let ended = handle::ended(&watched, deadline)?;
            if ended.is_empty() {
                return Ok(Ending::Deadline);
            }
            if ended.last() == Some(&open.len()) {
                return Ok(Ending::Interrupted);
            }
            let ended: Vec<usize> = ended.into_iter().map(|position| open[position]).collect();
            for &position in &ended {
                self.members[position].ended();
            }
            if self.settings.tree {
                self.follow(&ended)?;
            }
        }
    }
}
