//! The way from the first signal to the end of the last process.

use std::{
    io,
    os::fd::BorrowedFd,
    time::{Duration, Instant},
};

use proc_tree::{Identity, Signal, Stat, handle};

use super::{
    awaited::{Awaited, Observer},
    descriptors::RaisedLimit,
    guard::Claim,
    member::Member,
    options::StopOptions,
    process::OpenProcess,
    schedule::{Finish, Schedule, Seen, Step},
    stopped::Stopped,
    tree::{Halt, Members},
};
use crate::outcome::{Outcome, Role};

/// How often a tree is listed once more after it was signalled: who forks on SIGTERM is found below itself.
const SWEEPS: usize = 2;

/// How often those are looked at that cannot be held open for want of descriptors.
const LOOK: Duration = Duration::from_millis(5);

/// How often an observer is told of the wait.
const FRAME: Duration = Duration::from_millis(120);

/// Some processes, and what is done about them. Processes may join between two runs; the grace is that of the first.
pub(crate) struct StopRun<'i> {
    tree: bool,
    schedule: Schedule,
    members: Members,
    interrupt: Option<BorrowedFd<'i>>,
    observer: Option<&'i mut Observer<'i>>,
    /// When the observer is told next.
    frame: Instant,
    _limit: RaisedLimit,
}

impl<'i> StopRun<'i> {
    pub(crate) fn new(options: &StopOptions, interrupt: Option<BorrowedFd<'i>>) -> io::Result<Self> {
        // before it is counted how many processes may be held open
        let limit = RaisedLimit::raise();
        Ok(Self {
            tree: options.tree,
            schedule: Schedule::new(options),
            members: Members::new(options)?,
            interrupt,
            observer: None,
            frame: Instant::now() + FRAME,
            _limit: limit,
        })
    }

    /// Lets somebody see the wait.
    pub(crate) fn observed_by(mut self, observer: Option<&'i mut Observer<'i>>) -> Self {
        self.observer = observer;
        self
    }

    /// Says why this process must not be signalled; `None` when it may be.
    pub(crate) fn refusal(&self, process: Identity) -> Option<&'static str> {
        self.members.guard.refusal(process)
    }

    /// Adds a process that was asked for. A master is added before its workers, so that it is signalled first.
    pub(crate) fn add(&mut self, stat: &Stat, role: Role, claim: Claim) {
        self.members.claim(stat, role, claim);
    }

    /// Adds a process that somebody else is about to stop: it is waited for, and signalled only with SIGKILL.
    pub(crate) fn watch(&mut self, stat: &Stat, claim: Claim) {
        self.add(stat, Role::Holder, claim);
        let is_it = |member: &&mut Member| member.stopped.identity == stat.identity();
        self.members.list.iter_mut().filter(is_it).for_each(|member| member.watched = true);
    }

    /// Adds a process that descends from one that was asked for.
    pub(crate) fn add_descendant(&mut self, stat: &Stat, root: Identity) {
        self.members.join(stat, root, Role::Descendant);
    }

    /// Adds a process that was asked for and is not there.
    pub(crate) fn add_gone(&mut self, identity: Identity) {
        self.members.list.push(Member::gone(identity));
    }

    /// Lists the descendants of a process, each after its parent.
    pub(crate) fn descendants(&mut self, root: &Stat) -> io::Result<Vec<Stat>> {
        self.members.guard.descendants(root)
    }

    pub(crate) fn knows(&self, identity: Identity) -> bool {
        self.members.knows(identity)
    }

    /// Returns what came of each, in the order in which they joined. A descendant that ended by itself is nobody's news.
    pub(crate) fn outcomes(&self) -> Vec<Stopped> {
        let is_news = |one: &&Stopped| one.role != Role::Descendant || one.outcome != Outcome::Gone;
        self.members.list.iter().map(|member| &member.stopped).filter(is_news).cloned().collect()
    }

    /// Returns what would come of each, without a signal.
    pub(crate) fn rehearsal(&self) -> Vec<Stopped> {
        let rehearse = |member: &Member| {
            let mut stopped = member.stopped.clone();
            if member.is_open() {
                stopped.outcome = Outcome::WouldSignal;
                stopped.signal = Some(self.first_signal(stopped.role, &stopped.name));
            }
            stopped
        };
        self.members.list.iter().filter(|member| !member.watched).map(rehearse).collect()
    }

    /// Returns what a process of this role and name would be sent now.
    pub(crate) fn first_signal(&self, role: Role, name: &str) -> Signal {
        self.schedule.signal(Instant::now(), role, name)
    }

    /// Signals those that have joined since the last run, and returns when all have ended or nothing more can be done.
    pub(crate) fn run(&mut self) -> io::Result<Finish> {
        loop {
            let seen = Seen {
                interrupted: !handle::ended(self.interrupt.as_slice(), Some(Instant::now()))?.is_empty(),
                fresh: self.members.any(Member::is_fresh),
                open: self.members.any(Member::is_open),
            };
            match self.schedule.next(Instant::now(), seen) {
                Step::Signal => self.signal_fresh()?,
                Step::Wait(deadline) => self.wait(deadline)?,
                Step::Repeat => self.members.send(Member::may_have_lost_it, |_| Signal::TERM),
                Step::Kill => self.kill()?,
                Step::Finish(finish) => {
                    let reason = if finish == Finish::Interrupted { "interrupted" } else { "still alive" };
                    self.members.list.iter_mut().for_each(|member| member.survives(reason));
                    return Ok(finish);
                }
            }
        }
    }

    /// Signals those that were not signalled yet, with a tree to the last descendant.
    fn signal_fresh(&mut self) -> io::Result<()> {
        let Self { members, schedule, tree, .. } = self;
        let now = Instant::now();
        let signal = |member: &Member| schedule.signal(now, member.stopped.role, &member.stopped.name);
        members.check(|member| member.watched);
        if !*tree {
            members.send(Member::is_fresh, signal);
            return Ok(());
        }
        members.send(|member| member.is_fresh() && member.stopped.role == Role::Supervisor, signal);
        members.check(Member::is_fresh);
        members.spread(Member::is_fresh)?;
        if members.must_be_halted(Member::is_fresh) {
            members.halt(Halt::Gently, Member::is_fresh)?;
            let jobs = members.positions(Member::is_fresh_job);
            members.send(Member::is_fresh, signal);
            // those were not halted: what they forked until their signal came is found now, below them or astray
            for &position in &jobs {
                members.join_children(position)?;
            }
            members.join_strays()?;
            members.halt(Halt::Gently, Member::is_fresh)?;
            members.send(Member::is_fresh, signal);
            return Ok(());
        }
        for _ in 0..SWEEPS {
            members.sweep(Member::is_fresh, signal)?;
            members.spread(Member::is_open)?;
            members.join_strays()?;
            if !members.any(Member::is_fresh) {
                return Ok(());
            }
        }
        members.sweep(Member::is_fresh, signal)
    }

    fn kill(&mut self) -> io::Result<()> {
        if self.tree {
            self.kill_trees()?;
        } else {
            self.members.send(Member::is_open, |_| Signal::KILL);
        }
        if !self.schedule.waits() {
            self.members.list.iter_mut().for_each(|member| member.stopped.unanswered = None);
        }
        Ok(())
    }

    fn kill_trees(&mut self) -> io::Result<()> {
        if self.members.must_be_halted(Member::is_open) {
            self.members.halt(Halt::All, Member::is_open)?;
        }
        self.members.sweep(Member::is_open, |_| Signal::KILL)?;
        self.members.join_strays()
    }

    fn wait(&mut self, deadline: Instant) -> io::Result<()> {
        let before = self.members.positions(Member::is_open);
        self.members.hold_more();
        let held = self.members.positions(Member::is_held);
        let open = self.members.positions(Member::is_open).len();
        let now = Instant::now();
        // what was just seen to have ended is not waited for
        let mut until = if open < before.len() { now } else { deadline };
        if held.len() < open {
            until = until.min(now + LOOK);
        }
        if self.observer.is_some() {
            until = until.min(self.frame);
        }
        let processes = held.iter().filter_map(|&position| self.members.list[position].process.as_ref());
        let watched: Vec<BorrowedFd<'_>> =
            processes.filter_map(OpenProcess::descriptor).chain(self.interrupt).collect();
        // the last one is the interrupt
        for position in handle::ended(&watched, Some(until))? {
            if let Some(&position) = held.get(position) {
                self.members.list[position].ended();
            }
        }
        self.show();
        let ended: Vec<usize> = before.into_iter().filter(|&position| !self.members.list[position].is_open()).collect();
        if self.tree && !ended.is_empty() { self.members.follow(&ended) } else { Ok(()) }
    }

    /// Tells the observer who is waited for.
    fn show(&mut self) {
        let now = Instant::now();
        let mut open = self.members.list.iter().filter(|member| member.is_open());
        if let Some(observer) = self.observer.as_mut().filter(|_| now >= self.frame)
            && let Some(first) = open.next()
        {
            self.frame = now + FRAME;
            let Stopped { name, identity, signal, .. } = &first.stopped;
            let (others, kills_at) = (open.count(), self.schedule.kills_at());
            observer(&Awaited { name, pid: identity.pid, others, signal: *signal, kills_at });
        }
    }
}
