//! One reading of a tree's CPU clocks, and what was used between two of them.
//!
//! A process's own clock is exact. What its children used appears in it only when they have ended and were waited for,
//! and then as their whole life's sum. So between two readings a tree used: what each member's clock moved; all of the
//! clock of a member that is new; and what the reaped sums grew by, less what members that ended meanwhile had already
//! used before.

use std::{
    collections::{HashMap, HashSet},
    io,
    time::{Duration, Instant, SystemTime},
};

use crate::{Identity, Stat, process, tree::Walk, usage};

/// One member of a tree and its clocks.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    pub(crate) stat: Stat,
    /// CPU time of its own; `None` where the kernel does not say.
    pub(crate) own: Option<Duration>,
    /// When the clocks were read: a large tree takes a while, and each member is measured over its own time.
    at: Instant,
}

impl Reading {
    /// Reads the clock of a process that was just read; `None` when it has ended since.
    fn of(stat: Stat) -> Option<Self> {
        let own = match usage::cpu_clock(stat.pid) {
            Ok(Some(time)) => Some(time),
            // no clock: it has ended, or this kernel (gVisor) has no such clocks
            Ok(None) if process::stat_of(stat.identity()).ok().flatten().is_none() => {
                return None;
            }
            Ok(None) | Err(_) => None,
        };
        Some(Self { stat, own, at: Instant::now() })
    }

    /// Returns the CPU time of its whole life, reaped children included.
    pub(crate) fn lifetime(&self) -> Option<Duration> {
        Some(self.own? + self.stat.reaped_cpu)
    }
}

/// All members of some trees, read at one time.
#[derive(Debug)]
pub(crate) struct Readings {
    /// Per tree its members, each after its parent; none where the tree is gone.
    pub(crate) trees: Vec<Vec<Reading>>,
    started: Instant,
    clock: SystemTime,
}

/// Where a tree is looked for: at its root, and at members that were met before and may have lost their parent.
#[derive(Debug)]
pub(crate) struct Origin<'t> {
    pub(crate) root: Identity,
    pub(crate) known: &'t [Reading],
}

/// How often a reading is begun anew because a member ended under it.
const TRIES: usize = 3;

impl Readings {
    /// Reads trees; `session` takes in what left them by a double fork.
    ///
    /// A member that ends under the walk would be counted neither as a member nor as reaped: then the walk is done
    /// again.
    pub(crate) fn take(origins: &[Origin<'_>], session: bool) -> io::Result<Self> {
        let mut answer = Self::walk(origins, session)?;
        for _ in 1..TRIES {
            if !answer.1 {
                break;
            }
            answer = Self::walk(origins, session)?;
        }
        Ok(answer.0)
    }

    /// Returns when the walk began.
    pub(crate) fn started(&self) -> Instant {
        self.started
    }

    fn walk(origins: &[Origin<'_>], session: bool) -> io::Result<(Self, bool)> {
        let (started, clock) = (Instant::now(), SystemTime::now());
        let mut walk = if session { Walk::over_all()? } else { Walk::new() };
        let this = std::process::id();
        if origins.iter().all(|origin| origin.root.pid != this) {
            // the observer is no part of what it observes
            walk.skip(this);
        }
        let mut missed = false;
        let mut trees = Vec::with_capacity(origins.len());
        for origin in origins {
            let mut members = Vec::new();
            let known = origin.known.iter().map(|reading| reading.stat.identity());
            for identity in std::iter::once(origin.root).chain(known) {
                missed |= descend(&mut walk, identity, &mut members)?;
            }
            trees.push(members);
        }
        for members in trees.iter_mut().filter(|_| session) {
            let root = members.first().map(|root| root.stat.clone());
            for orphan in root.map(|root| walk.session_orphans(&root)).unwrap_or_default() {
                missed |= descend(&mut walk, orphan, members)?;
            }
        }
        missed |= walk.has_missed();
        Ok((Self { trees, started, clock }, missed))
    }
}

/// Adds a process and its descendants, if it is still that process and was not met before; tells whether one was missed.
fn descend(walk: &mut Walk, from: Identity, members: &mut Vec<Reading>) -> io::Result<bool> {
    if walk.has_seen(from.pid) || process::stat_of(from)?.is_none() {
        return Ok(false);
    }
    let mut missed = false;
    walk.descend(from.pid, &mut |stat| match Reading::of(stat) {
        Some(reading) => members.push(reading),
        None => missed = true,
    })?;
    Ok(missed)
}

/// Tells how many CPUs' worth each member of `after` used since `before`, in its order; `None` where a clock could not
/// be read.
pub(crate) fn cpus(before: &[Reading], after: &[Reading], since: &Readings) -> Vec<Option<f64>> {
    let earlier: HashMap<Identity, &Reading> =
        before.iter().map(|reading| (reading.stat.identity(), reading)).collect();
    let owed = owed_to_the_past(before, after);
    after
        .iter()
        .map(|now| match earlier.get(&now.stat.identity()) {
            Some(then) => {
                let own = now.own?.saturating_sub(then.own?);
                let owed = owed.get(&now.stat.pid).copied().unwrap_or_default();
                let reaped = now.stat.reaped_cpu.saturating_sub(then.stat.reaped_cpu).saturating_sub(owed);
                Some(rate(own + reaped, now.at.duration_since(then.at)))
            }
            None if is_older(&now.stat, since.clock) => Some(0.0),
            None => Some(rate(now.lifetime()?, now.at.duration_since(since.started))),
        })
        .collect()
}

/// Tells whether a member that was just met is no child of the time between: what it used then nobody knows.
fn is_older(stat: &Stat, since: SystemTime) -> bool {
    const TICK: Duration = Duration::from_millis(20);
    stat.started.time() + TICK < since
}

fn rate(used: Duration, elapsed: Duration) -> f64 {
    if elapsed.is_zero() { 0.0 } else { used.as_secs_f64() / elapsed.as_secs_f64() }
}

/// Sums, per living member, what its descendants that ended since had used before: their reaper's sum grew by that too.
///
/// A member that nobody waited for is charged as well, at most down to no growth at all.
fn owed_to_the_past(before: &[Reading], after: &[Reading]) -> HashMap<u32, Duration> {
    let mut owed: HashMap<u32, Duration> = HashMap::new();
    for (ended, line) in ended(before, after) {
        if let Line::Reaper(reaper) = line {
            *owed.entry(reaper).or_default() += ended.lifetime().unwrap_or_default();
        }
    }
    owed
}

/// Sums what orphans that ended since had used before, those below them included: nobody of their tree waits for them.
pub(crate) fn orphaned(root: Identity, before: &[Reading], after: &[Reading]) -> Duration {
    let lost = ended(before, after).filter(|(_, line)| matches!(line, Line::Top(top) if *top != root));
    lost.map(|(ended, _)| ended.lifetime().unwrap_or_default()).sum()
}

/// Where the line of a member that ended leads.
enum Line {
    /// To a member that lives, which reaped it.
    Reaper(u32),
    /// To a member that has ended too, or is it itself, and whose parent was none.
    Top(Identity),
}

/// Lists the members that ended, and where their lines lead.
fn ended<'r>(before: &'r [Reading], after: &[Reading]) -> impl Iterator<Item = (&'r Reading, Line)> {
    let living: HashSet<Identity> = after.iter().map(|reading| reading.stat.identity()).collect();
    let by_pid: HashMap<u32, &Reading> = before.iter().map(|reading| (reading.stat.pid, reading)).collect();
    before.iter().filter_map(move |ended| {
        let is_living = |reading: &Reading| living.contains(&reading.stat.identity());
        let mut top = ended;
        while !is_living(top) {
            match by_pid.get(&top.stat.parent).filter(|next| next.stat.pid != top.stat.pid) {
                Some(above) => top = above,
                None => return Some((ended, Line::Top(top.stat.identity()))),
            }
        }
        (!is_living(ended)).then_some((ended, Line::Reaper(top.stat.pid)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    /// Readings that begin at one moment, `later` after the first.
    struct Moment {
        readings: Readings,
        at: Instant,
    }

    impl Moment {
        fn new(start: Instant, later: Duration) -> Self {
            let clock = SystemTime::UNIX_EPOCH;
            Self { readings: Readings { trees: Vec::new(), started: start + later, clock }, at: start + later }
        }

        fn member(&self, pid: u32, parent: u32, own: Duration, reaped: Duration) -> Reading {
            let stat = Stat {
                pid,
                start_id: 1,
                started: process::StartTime(1),
                parent,
                group: 1,
                session: 1,
                name: "x".into(),
                state: process::RunState::Sleeping,
                is_ending: false,
                threads: 1,
                reaped_cpu: reaped,
            };
            Reading { stat, own: Some(own), at: self.at }
        }
    }

    fn check(before: &[Reading], after: &[Reading], since: &Moment, percents: &[f64]) {
        let told: Vec<f64> = cpus(before, after, &since.readings)
            .into_iter()
            .map(|cpus| cpus.expect("all clocks are known") * 100.0)
            .collect();
        let near = told.len() == percents.len()
            && told.iter().zip(percents).all(|(told, true_one)| (told - true_one).abs() < 1e-6);
        assert!(near, "{told:?} is not {percents:?}");
    }

    fn moments() -> (Moment, Moment) {
        let start = Instant::now();
        (Moment::new(start, MS(0)), Moment::new(start, MS(100)))
    }

    #[test]
    fn a_child_that_ended_counts_with_what_it_used_since_and_not_with_its_life() {
        let (then, now) = moments();
        let before = [then.member(1, 0, MS(10), MS(0)), then.member(2, 1, MS(5_000), MS(70))];
        let after = [now.member(1, 0, MS(15), MS(5_120))];
        check(&before, &after, &then, &[55.0]);
    }

    #[test]
    fn a_child_that_nobody_waited_for_takes_nothing_from_the_others() {
        let (then, now) = moments();
        let before =
            [then.member(1, 0, MS(0), MS(0)), then.member(2, 1, MS(9_000), MS(0)), then.member(3, 1, MS(0), MS(0))];
        let after = [now.member(1, 0, MS(20), MS(0)), now.member(3, 1, MS(30), MS(0))];
        check(&before, &after, &then, &[20.0, 30.0]);
    }

    #[test]
    fn what_an_orphan_used_until_it_ended_is_known_and_counted_nowhere_else() {
        let (then, now) = moments();
        // 2 was waited for by 1; 4 lost its parent and has a child
        let before = [
            then.member(1, 9, MS(0), MS(0)),
            then.member(2, 1, MS(100), MS(0)),
            then.member(4, 9, MS(300), MS(20)),
            then.member(5, 4, MS(1_000), MS(0)),
        ];
        let root = before[0].stat.identity();
        assert_eq!(orphaned(root, &before, &[now.member(1, 9, MS(0), MS(100))]), MS(1_320));
        let after = [now.member(1, 9, MS(0), MS(100)), now.member(4, 9, MS(300), MS(1_020))];
        assert_eq!(orphaned(root, &before, &after), MS(0), "its parent waited for it");
        assert_eq!(orphaned(root, &before, &[]), MS(1_320), "who waited for the root knows the rest");
    }

    #[test]
    fn what_ended_two_generations_down_is_settled_with_the_ancestor_that_lives() {
        let (then, now) = moments();
        let before =
            [then.member(1, 0, MS(0), MS(0)), then.member(2, 1, MS(100), MS(0)), then.member(3, 2, MS(1_000), MS(0))];
        let after = [now.member(1, 0, MS(0), MS(1_150))];
        check(&before, &after, &then, &[50.0]);
    }

    #[test]
    fn another_process_with_the_same_pid_is_new() {
        let (then, now) = moments();
        let before = [then.member(1, 0, MS(0), MS(0)), then.member(2, 1, MS(4_000), MS(0))];
        let mut young = now.member(2, 1, MS(10), MS(0));
        young.stat.start_id = 2;
        check(&before, &[now.member(1, 0, MS(0), MS(4_000)), young], &then, &[0.0, 10.0]);
    }

    #[test]
    fn what_cannot_be_read_is_unknown() {
        let (then, now) = moments();
        let before = [then.member(1, 0, MS(0), MS(0))];
        let after = [Reading { own: None, ..now.member(1, 0, MS(0), MS(0)) }];
        assert_eq!(cpus(&before, &after, &then.readings), [None]);
    }
}
