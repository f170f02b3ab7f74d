//! Staying attached: the log on stderr, signals passed on, the server's status; nothing left behind.

use std::{
    io::{BufRead, BufReader, Read},
    os::unix::process::ExitStatusExt,
};

use nix::sys::signal::Signal;

use crate::{
    kept::scripted,
    site::{Site, send},
    support::eventually,
};

#[test]
fn a_server_in_the_foreground_tells_its_log_and_its_status() {
    let site = Site::new();
    for (options, status) in
        [(vec!["--foreground"], 7), (vec!["--foreground", "--keep-up", "--max-restarts", "0/60s"], 5)]
    {
        let output =
            site.run(&options, &site.server(&["--eprint", "hello", "--die-after", "300"])).status(status).run();
        assert!(output.stderr.contains("hello\n"), "{}", output.stderr);
        assert!(site.processes().is_empty());
    }
}

#[test]
fn a_server_that_ends_well_ends_the_foreground_well() {
    for options in [vec!["--foreground"], vec!["--foreground", "--keep-up"]] {
        let site = Site::new();
        let ends = r#""$@" & until test -e up; do sleep 0.01; done; kill $!; wait $!; echo goodbye; exit 0"#;
        let call = site.run(&options, &scripted(ends)).spawn();
        eventually("a server that is up", || site.recorded("phase") == "ready");
        std::fs::write(site.path("up"), "").expect("the folder is ours");
        let output = call.wait_with_output().expect("a child can be waited for");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.contains("goodbye\n"), "{said}");
        assert!(site.processes().is_empty());
    }
}

#[test]
fn a_signal_ends_the_foreground_and_leaves_nothing_behind() {
    for keep_up in [false, true] {
        for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
            let site = Site::new();
            let mut options = vec!["--foreground"];
            options.extend(keep_up.then_some("--keep-up"));
            let mut call = site.run(&options, &site.server(&["--forks", "2", "--eprint", "hello"])).spawn();
            let mut err = BufReader::new(call.stderr.take().expect("stderr is a pipe"));
            let mut line = String::new();
            while !line.contains("ready ") {
                line.clear();
                assert!(err.read_line(&mut line).expect("a line") > 0, "it ended");
            }
            eventually("readiness", || site.recorded("phase") == "ready");
            // what it says after it is ready: the call watches for signals by then
            std::thread::sleep(std::time::Duration::from_millis(100));
            send(call.id(), signal);
            assert_eq!(call.wait().expect("it ends").signal(), Some(signal as i32), "{signal}, {keep_up}");
            let mut rest = String::new();
            err.read_to_string(&mut rest).expect("no descriptor of it is left open");
            assert!(site.is_stopped(), "{signal}, {keep_up}");
        }
    }
}

#[test]
fn a_signal_during_a_restart_leaves_nothing_behind() {
    let site = Site::new();
    site.write("app.py", "1");
    let options = ["--foreground", "--keep-up", "--reload-on", "*.py", "--grace", "500ms"];
    let mut call = site.run(&options, &site.server(&["--ignore-term", "--forks", "1"])).spawn();
    eventually("readiness", || site.recorded("phase") == "ready");
    std::thread::sleep(std::time::Duration::from_millis(100));
    site.write("app.py", "2");
    std::thread::sleep(std::time::Duration::from_millis(250));
    send(call.id(), Signal::SIGTERM);
    assert_eq!(call.wait().expect("it ends").signal(), Some(Signal::SIGTERM as i32));
    assert!(site.processes().is_empty());
}

#[test]
fn a_foreground_that_found_its_server_up_leaves_it_up() {
    let site = Site::new();
    let first = site.line(&[], &site.server(&[]));
    let mut call = site.run(&["--foreground"], &site.server(&[])).spawn();
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(call.try_wait().expect("a call").is_none());
    send(call.id(), Signal::SIGTERM);
    assert_eq!(call.wait().expect("it ends").signal(), Some(Signal::SIGTERM as i32));
    assert_eq!(site.alive(), [first.pid.expect("a PID")]);
}

#[test]
fn a_foreground_stays_while_its_supervised_server_is_started_again() {
    let site = Site::new();
    for is_first in [true, false] {
        let options = ["--foreground", "--keep-up", "--backoff", "20ms"];
        let mut call = site.run(&options, &site.server(&[])).spawn();
        eventually("readiness", || site.recorded("phase") == "ready");
        std::thread::sleep(std::time::Duration::from_millis(200));
        let generation = site.started().len();
        send(*site.started().last().expect("a server"), Signal::SIGKILL);
        site.generation(generation + 1);
        assert!(call.try_wait().expect("a call").is_none(), "it stays");
        if is_first {
            // killed, it leaves the supervisor and its server to the next call
            call.kill().expect("it can be killed");
        } else {
            send(call.id(), Signal::SIGTERM);
        }
        call.wait().expect("it ends");
    }
    assert_eq!(site.alive().len(), 1);
}
