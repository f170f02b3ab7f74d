//! A supervisor that somebody halts, as a debugger or a laptop that runs hot does: nothing false is said meanwhile, it goes
//! on where it was, and it can be stopped.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::{
    site::{Site, line, send},
    support::{eventually, side_by_side},
};

#[test]
fn a_halted_supervisor_goes_on_where_it_was_and_can_be_stopped() {
    side_by_side([(&[][..], &[][..]), (&["--hold-socket"], &["--inherited"])], |(options, server)| {
        goes_on_and_can_be_stopped(options, server);
    });
}

fn goes_on_and_can_be_stopped(options: &[&str], server: &[&str]) {
    let site = Site::new();
    site.kept(options, &site.server(server));
    let supervisor = site.supervisor();
    send(supervisor.pid, Signal::SIGSTOP);
    assert!(site.entry().running, "its server runs");
    send(site.started()[0], Signal::SIGKILL);
    eventually("the server's end", || site.alive().is_empty());
    let entry = site.entry();
    assert_eq!((entry.running, entry.healthy, entry.pid), (false, false, None), "{entry:?}");
    let said = format!("it has ended, and its supervisor (pid {}) is halted", supervisor.pid);
    let helps = format!("kill -CONT {} lets it go on", supervisor.pid);
    let why = format!("{said}; {helps}");
    eventually("an honest state", || site.entry().state == "stopped");
    assert_eq!(site.entry().reason.as_deref(), Some(why.as_str()));
    // nobody else starts it beside its supervisor
    let call = [options, &["--timeout", "4s"]].concat();
    let call = site.keep(&call, &site.server(server)).status(124).run();
    assert!(call.waits.contains(&format!("  {why}")), "what is waited for: {call:?}");
    let (failed, hint) = (format!(" within 4.00 s: {said}\n"), format!("hint: {helps}\n"));
    assert!(call.stderr.contains(&failed) && call.stderr.ends_with(&hint), "{}", call.stderr);
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

#[test]
fn the_time_that_a_supervisor_is_halted_is_no_time_without_a_use() {
    let site = Site::new();
    site.kept(&["--idle-stop", "2s"], &site.server(&[]));
    let supervisor = site.supervisor();
    send(supervisor.pid, Signal::SIGSTOP);
    std::thread::sleep(Duration::from_millis(2100));
    assert_eq!(site.recorded("phase"), "ready", "the machine was too slow to halt it in time");
    send(supervisor.pid, Signal::SIGCONT);
    let continued = Instant::now();
    eventually("a rest", || site.recorded("phase") == "idle");
    assert!(continued.elapsed() > Duration::from_millis(500), "{:?}", continued.elapsed());
}

#[test]
fn a_server_that_is_halted_is_not_healthy_until_it_goes_on() {
    side_by_side([&[][..], &["--keep-up"]], |options| {
        let site = Site::new();
        // the kernel lets connections in all the same
        let command = site.server(&["--leaked", "0"]);
        site.run(options, &command).run();
        let server = site.started()[0];
        send(server, Signal::SIGSTOP);
        let why = format!("it is halted; kill -CONT {server} lets it go on");
        eventually("an honest state", || site.entry().reason.as_deref() == Some(why.as_str()));
        assert_eq!((site.entry().state.as_str(), site.entry().healthy), ("running", false));
        let call = site.run(&[options, &["--timeout", "1s"]].concat(), &command).status(124).run();
        assert!(call.stderr.contains(&why), "{}", call.stderr);
        send(server, Signal::SIGCONT);
        assert_eq!(line(&site.run(&[options, &["--json"]].concat(), &command).run()).restarts, 0);
        assert!(site.entry().healthy && site.started().len() == 1);
    });
}

#[test]
fn a_pause_that_does_not_end_because_the_supervisor_is_halted_is_told() {
    let site = Site::new();
    let (command, pause) = (site.server(&[]), ["--keep-up", "--backoff", "60s"]);
    site.run(&pause, &command).run();
    send(site.started()[0], Signal::SIGKILL);
    eventually("a pause", || site.recorded("phase") == "waiting");
    assert_eq!(site.entry().state, "starting");
    let supervisor = site.supervisor();
    send(supervisor.pid, Signal::SIGSTOP);
    let why = format!("it has ended, and its supervisor (pid {}) is halted", supervisor.pid);
    // a signal takes its time
    eventually("an honest state", || site.entry().state == "stopped");
    let reason = site.entry().reason.expect("a reason");
    assert!(reason.starts_with(&why), "{reason}");
    let call = site.run(&[&pause[..], &["--timeout", "1s"]].concat(), &command).status(124).run();
    assert!(call.stderr.contains(&why), "{}", call.stderr);
}
