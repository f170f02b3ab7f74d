//! A machine that sleeps: while it does, the clock of the day and that since its boot (CLOCK_BOOTTIME) go on, the one that
//! things are waited by (CLOCK_MONOTONIC) stands still. A library that is loaded before the system's own lets the first two
//! jump by an hour.

use std::{
    process::Command,
    time::{Duration, SystemTime},
};

use nix::sys::signal::Signal;

use crate::{
    site::{Site, send},
    support::{eventually, skipped},
};

const AHEAD: &str = r#"
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t clock, struct timespec *now) {
    int status = syscall(SYS_clock_gettime, clock, now);
    const char *slept = getenv("SLEPT");
    if (!status && slept && (clock == CLOCK_REALTIME || clock == CLOCK_BOOTTIME) && !access(slept, F_OK)) now->tv_sec += 3600;
    return status;
}
"#;

const LIBRARY: &str = "ahead.so";

/// Makes the library; tells whether there is a compiler that does.
fn is_made(site: &Site) -> bool {
    site.write("ahead.c", AHEAD);
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-o"]).args([site.path(LIBRARY), site.path("ahead.c")]);
    cc.status().is_ok_and(|status| status.success())
}

#[test]
fn a_sleep_of_the_machine_is_neither_a_crash_nor_an_idle_time_nor_a_time_of_health() {
    let site = Site::new();
    if !is_made(&site) {
        return skipped("cc is not installed, or makes no shared library");
    }
    let options =
        ["--max-restarts", "1/60s", "--idle-stop", "30s", "--liveness", "2", "--interval", "50ms", "--health", "/"];
    let call = site.keep(&options, &site.server(&[])).env("SLEPT", site.path("slept"));
    // the path to it has a space, which LD_PRELOAD would part
    call.env("LD_PRELOAD", LIBRARY).env("LD_LIBRARY_PATH", site.path("")).run();
    let crash = |generation: usize| send(site.started()[generation], Signal::SIGKILL);
    crash(0);
    site.generation(2);
    site.write("slept", "");
    // several probes, and looks whether it is used
    std::thread::sleep(Duration::from_millis(500));
    let entry = site.entry();
    assert_eq!((entry.state.as_str(), entry.healthy, entry.restarts), ("running", true, 1), "{}", site.logged());
    // two crashes within a minute, whatever the clock of the day says
    crash(1);
    eventually("an open breaker", || site.recorded("phase") == "broken");
    assert!(site.logged().contains("giving up: 2 crashes within 1m; it was ended by SIGKILL"), "{}", site.logged());
    let said = site
        .logged()
        .lines()
        .filter_map(|line| line.strip_prefix("ensure-up: ")?.get(..20).map(str::to_owned))
        .next_back();
    let said = humantime::parse_rfc3339(&said.expect("a time")).expect("a time");
    let ahead = said.duration_since(SystemTime::now()).expect("the clock of the day has jumped");
    assert!(ahead > Duration::from_mins(50), "{ahead:?}");
}
