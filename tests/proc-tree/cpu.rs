//! CPU, held against the processes' own clocks.

use std::{
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use proc_tree::{Sampler, process, roots, sample::sampler::Options, selection::Selected, usage};

use crate::{
    record_of,
    support::{Fixture, eventually},
};

fn sampler(root: u32) -> Sampler {
    let (roots, missing) = roots::find(&[Selected::from(root)]).expect("the root can be read");
    assert!(missing.is_empty(), "{missing:?}");
    Sampler::new(roots, Options::default()).expect("the tree can be read")
}

/// What a tree is known to have used, by the clock at hand, and when that was read.
struct Clock<F>(F);

impl<F: Fn() -> Duration> Clock<F> {
    fn read(&self) -> (Instant, Duration) {
        let before = Instant::now();
        (before, (self.0)())
    }

    fn read_late(&self) -> (Instant, Duration) {
        let used = (self.0)();
        (Instant::now(), used)
    }
}

/// The least and the most CPU percent that is true for a measurement between a wide and a narrow window around it.
struct Bounds {
    least: f64,
    most: f64,
}

fn measure(root: u32, interval: Duration, clock: &Clock<impl Fn() -> Duration>) -> (f64, Bounds) {
    let wide_start = clock.read();
    let mut sampler = sampler(root);
    let narrow_start = clock.read_late();
    thread::sleep(interval);
    let narrow_end = clock.read();
    let records = sampler.sample().expect("the tree can be read");
    let wide_end = clock.read_late();
    let percent = |used: Duration, over: Duration| used.as_secs_f64() / over.as_secs_f64() * 100.0;
    let bounds = Bounds {
        least: percent(narrow_end.1.saturating_sub(narrow_start.1), wide_end.0 - wide_start.0),
        most: percent(wide_end.1.saturating_sub(wide_start.1), narrow_end.0 - narrow_start.0),
    };
    (records[0].figures.cpu_percent.expect("CPU is known"), bounds)
}

fn own(pids: &[u32]) -> Duration {
    pids.iter().map(|&pid| usage::cpu_clock(pid).expect("a clock can be read").expect("the process runs")).sum()
}

#[test]
fn cpu_over_100_ms_is_within_a_point_of_the_members_own_clocks() {
    let busy = Fixture::start(["load", "burn", "2"]);
    let pids = busy.pids();
    let clock = Clock(|| own(&pids));
    // where this test itself was held up, the two windows around the measurement say little: look again
    eventually("a measurement that was not disturbed", || {
        let (cpu, bounds) = measure(busy.pid(), Duration::from_millis(100), &clock);
        assert!(
            bounds.least <= cpu + 0.001 && cpu <= bounds.most + 0.001,
            "{} … {cpu} … {}",
            bounds.least,
            bounds.most
        );
        bounds.most - bounds.least <= 2.0
    });
}

#[test]
fn the_first_and_only_sample_of_an_idle_parent_with_a_busy_child_is_not_zero() {
    let busy = Fixture::start(["load", "burn", "1"]);
    let child = busy.pids().into_iter().find(|&pid| pid != busy.pid()).expect("it has a child");
    // on a loaded machine a busy process may wait for the whole of one interval
    eventually("the child's CPU", || {
        let record = record_of(&busy, &["--members"]);
        let members = record.members.expect("members were asked for");
        let of = |pid: u32| members.iter().find(|member| member.pid == pid).and_then(|member| member.cpu_percent);
        assert!(of(busy.pid()).is_some_and(|cpu| cpu < 1.0), "the parent idles: {members:?}");
        assert!((100..5000).contains(&record.interval_ms), "{}", record.interval_ms);
        of(child).is_some_and(|cpu| cpu > 2.0)
    });
}

/// The kernel tells what was reaped in steps of 10 ms, user and system time apart.
const STEPS: Duration = Duration::from_millis(40);

#[test]
fn children_that_came_and_went_within_the_interval_count() {
    let churn = Fixture::start(["load", "churn"]);
    let clock = Clock(|| {
        let stat = process::stat(churn.pid()).expect("it can be read").expect("the fixture runs");
        own(&[churn.pid()]) + stat.reaped_cpu
    });
    let interval = Duration::from_secs(1);
    let (cpu, bounds) = measure(churn.pid(), interval, &clock);
    // at the ends of the window one child runs, which is not reaped yet
    let slack = (STEPS + Duration::from_millis(60)).as_secs_f64() / interval.as_secs_f64() * 100.0;
    assert!(cpu >= bounds.least - slack && cpu <= bounds.most + slack, "{cpu}, at least {}", bounds.least);
    // the living alone would be one child's part of its 30 ms
    assert!(cpu > bounds.least / 2.0 && bounds.least > 0.0, "{cpu}, at least {}", bounds.least);
}

#[test]
fn a_busy_member_whose_parent_ends_between_the_samples_still_counts_once() {
    let root = Fixture::start(["load", "leave"]);
    let busy = root.pids().into_iter().find(|&pid| pid != root.pid()).expect("it said its grandchild");
    let middle: i32 =
        root.said.iter().find_map(|word| word.strip_prefix("middle=")?.parse().ok()).expect("it said its child");
    let mut sampler = sampler(root.pid());
    let start = own(&[busy]);
    kill(Pid::from_raw(middle), Signal::SIGKILL).expect("the fixture is ours");
    eventually("a grandchild without its parent", || {
        process::stat(busy).ok().flatten().is_some_and(|stat| stat.parent != middle.unsigned_abs())
    });
    thread::sleep(Duration::from_millis(100));
    let records = sampler.sample().expect("the tree can be read");
    let used = own(&[busy]).checked_sub(start).expect("a clock does not go back").as_secs_f64();
    assert_eq!(records[0].processes, Some(2), "the root and its former grandchild");
    let interval = Duration::from_millis(records[0].interval_ms).as_secs_f64();
    let told = records[0].figures.cpu_percent.expect("CPU is known") / 100.0 * interval;
    assert!((told - used).abs() < 0.1 * used + 0.05, "{told} s of {used} s");
}

#[test]
fn a_member_that_ends_takes_only_what_it_used_in_the_interval() {
    let busy = Fixture::start(["load", "burn", "2"]);
    let pids: Vec<u32> = busy.pids().into_iter().filter(|&pid| pid != busy.pid()).collect();
    eventually("a second of CPU", || own(&pids[..1]) > Duration::from_millis(500));
    let mut sampler = sampler(busy.pid());
    kill(Pid::from_raw(pids[0].cast_signed()), Signal::SIGKILL).expect("the child is ours");
    thread::sleep(Duration::from_millis(100));
    let records = sampler.sample().expect("the tree can be read");
    let cpus = thread::available_parallelism().map_or(1, |count| u32::try_from(count.get()).expect("a few CPUs"));
    let cpu = records[0].figures.cpu_percent.expect("CPU is known");
    assert!(cpu < f64::from(cpus) * 100.0 + 25.0, "its whole life was not in this interval: {cpu}");
}

#[test]
fn cpu_seconds_hold_what_was_reaped() {
    let churn = Fixture::start(["load", "churn"]);
    eventually("reaped children", || {
        process::stat(churn.pid()).ok().flatten().is_some_and(|stat| stat.reaped_cpu > Duration::from_millis(200))
    });
    assert!(record_of(&churn, &[]).cpu_seconds.is_some_and(|seconds| seconds > 0.2));
}
