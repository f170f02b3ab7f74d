//! A supervisor that somebody halts, as a debugger or a laptop that runs hot does: nothing false is said meanwhile, it goes
//! on where it was, and it can be stopped.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::{
    site::{Site, send},
    support::eventually,
};

#[test]
fn a_halted_supervisor_goes_on_where_it_was_and_can_be_stopped() {
    let site = Site::new();
    site.kept(&[], &site.server(&[]));
    let supervisor = site.supervisor();
    send(supervisor.pid, Signal::SIGSTOP);
    assert!(site.entry().running, "its server runs");
    send(site.started()[0], Signal::SIGKILL);
    eventually("the server's end", || site.alive().is_empty());
    let entry = site.entry();
    assert_eq!((entry.running, entry.healthy, entry.pid), (false, false, None), "{entry:?}");
    // nobody else starts it beside its supervisor
    let call = site.keep(&["--timeout", "2s"], &site.server(&[])).status(124).run();
    let (said, helps) =
        (format!("its supervisor (pid {}) is halted", supervisor.pid), format!("hint: kill -CONT {}", supervisor.pid));
    assert!(call.stderr.contains(&said) && call.stderr.contains(&helps), "{}", call.stderr);
    assert_eq!(site.started().len(), 1);
    send(supervisor.pid, Signal::SIGCONT);
    site.generation(2);
    assert_eq!((site.supervisor(), site.entry().restarts), (supervisor, 1));
    send(supervisor.pid, Signal::SIGSTOP);
    let asked = Instant::now();
    site.bare().args(["--stop", &site.port.to_string()]).any_stdout().any_stderr().run();
    assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
    assert!(site.is_stopped());
}
