//! `--stop`, and every other end of a server: all of it is gone and its port is free, or it is said who is left.

use std::{
    fs,
    process::Command,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;
use proc_tree::{Identity, RunState, process};
use serde_json::{Value, json};

use crate::{
    site::{Site, by_hand, end, fixture, send, shell},
    support::{Fixture, Tool, eventually, runs},
};

/// Prepares the stop of the site's server.
pub(crate) fn stop(site: &Site) -> Tool {
    site.bare().args(["--stop", &site.port.to_string()]).any_stderr()
}

/// Changes the record of the site's server.
fn amend(site: &Site, change: impl FnOnce(&mut Value)) {
    let mut record: Value = serde_json::from_slice(&fs::read(site.record()).unwrap()).unwrap();
    change(&mut record);
    fs::write(site.record(), record.to_string()).unwrap();
}

fn name(record: &mut Value, identity: Identity) {
    record["pid"] = identity.pid.into();
    record["start_id"] = identity.start_id.into();
}

fn identity(pid: u32) -> Identity {
    Identity::of(pid).unwrap().expect("it runs")
}

/// The PIDs of a server and so many workers of its, its own first.
fn workers(site: &Site, count: usize) -> Vec<u32> {
    eventually("all workers", || site.processes().len() == count + 1);
    let server = site.started()[0];
    let all = site.processes().into_iter().map(|process| process.pid);
    std::iter::once(server).chain(all.filter(|&pid| pid != server)).collect()
}

#[test]
fn a_record_that_names_one_worker_of_many_stops_all_of_them() {
    for is_master_dead in [false, true] {
        let site = Site::new();
        site.serve(&["--forks", "3"]).run();
        let pids = workers(&site, 3);
        if is_master_dead {
            end(identity(pids[0]));
        }
        amend(&site, |record| name(record, identity(pids[1])));
        let output = stop(&site).run();
        assert!(output.stderr.starts_with("stopped "), "{output:?}");
        assert_eq!(site.processes(), []);
        assert!(site.is_forgotten());
    }
}

#[test]
fn an_adopted_worker_is_stopped_with_those_that_share_its_socket() {
    let site = Site::new();
    let mut server = by_hand(&site, &site.server(&["--forks", "2"]), &site.folder());
    site.serve(&["--forks", "2"]).run();
    let pids = workers(&site, 2);
    send(server.id(), Signal::SIGKILL);
    server.wait().unwrap();
    // nothing but the socket tells that they belong together
    amend(&site, |record| {
        name(record, identity(pids[1]));
        record["command"] = json!(["other"]);
    });
    stop(&site).run();
    assert_eq!(site.processes(), []);
}

#[test]
fn what_a_dead_recorded_worker_left_on_the_port_is_known_by_its_command() {
    let site = Site::new();
    site.serve(&["--forks", "2"]).run();
    let pids = workers(&site, 2);
    amend(&site, |record| name(record, identity(pids[1])));
    end(identity(pids[0]));
    end(identity(pids[1]));
    let output = stop(&site).run();
    assert!(output.stderr.starts_with("stopped "), "{output:?}");
    assert_eq!(site.processes(), []);
}

#[test]
fn a_port_that_another_one_holds_when_ours_is_gone_is_status_one_and_says_who() {
    let site = Site::new();
    site.serve(&["--reuseport", "1"]).run();
    let stranger = Fixture::start(["serve", "--reuseport", "1", &format!("127.0.0.1:{}", site.port)]);
    let output = stop(&site).status(1).any_stderr().run();
    assert!(output.stderr.contains(&format!("port {} is still held by fixture (", site.port)), "{output:?}");
    assert!(stranger.pids().into_iter().all(runs), "a stranger was stopped");
    assert_eq!(site.alive(), [0_u32; 0]);
}

#[test]
fn a_port_that_only_another_program_holds_is_status_four() {
    let site = Site::new();
    let stranger = Fixture::start(["serve", &format!("127.0.0.1:{}", site.port)]);
    for _ in 0..2 {
        let output = stop(&site).status(4).any_stderr().run();
        assert!(output.stderr.contains(&format!("port {} is held by another program", site.port)), "{output:?}");
        assert!(output.stderr.contains(&stranger.pid().to_string()), "{output:?}");
        // a record of one that is gone changes nothing
        fs::create_dir_all(site.path("state")).unwrap();
    }
    assert!(runs(stranger.pid()));
}

#[test]
fn a_supervisor_in_a_record_is_signalled_only_if_it_is_the_one_of_this_port() {
    let site = Site::new();
    site.serve(&[]).run();
    let mut innocent = Command::new("sleep").arg("60").spawn().unwrap();
    // another server's supervisor is none of this one's
    let other = Site::new();
    other.run(&["--keep-up"], &other.server(&[])).run();
    let kept: Value = serde_json::from_slice(&fs::read(other.record()).unwrap()).unwrap();
    let supervisor = u32::try_from(kept["supervisor"]["pid"].as_u64().unwrap()).unwrap();
    for pid in [innocent.id(), supervisor] {
        site.serve(&[]).run();
        amend(&site, |record| {
            let Identity { pid, start_id } = identity(pid);
            record["supervisor"] = json!({"pid": pid, "start_id": start_id});
        });
        stop(&site).run();
        assert!(runs(pid), "an innocent process was ended");
        assert_eq!(site.processes(), []);
    }
    innocent.kill().and_then(|()| innocent.wait()).unwrap();
    assert_eq!(other.processes().len(), 2);
}

#[test]
fn who_had_to_be_killed_is_told_wherever_a_server_is_stopped() {
    let said = |stderr: &str, pid: u32| {
        let line = format!("SIGKILL after 0.30 s: fixture ({pid})");
        assert!(stderr.lines().any(|said| said.contains(&line)), "{line} in {stderr}");
    };
    let options = ["--grace", "300ms"];
    let site = Site::new();
    let server = site.server(&["--ignore-term"]);
    let last = |site: &Site| *site.started().last().unwrap();
    site.run(&options, &server).run();
    said(&stop(&site).run().stderr, last(&site));
    site.run(&[&options[..], &["--keep-up"]].concat(), &server).run();
    said(&stop(&site).run().stderr, last(&site));
    let then = site.run(&[&options[..], &["--then", "true"]].concat(), &server).run();
    said(&then.stderr, last(&site));
    site.run(&options, &server).run();
    let first = last(&site);
    said(&site.run(&[&options[..], &["--restart"]].concat(), &server).run().stderr, first);
    // it listens elsewhere, so it is never ready
    let elsewhere = site.server_at(&["--ignore-term"], "127.0.0.1:0");
    stop(&site).run();
    let failed = site.run(&[&options[..], &["--timeout", "1s"]].concat(), &elsewhere).status(124).run();
    said(&failed.stderr, last(&site));
    assert_eq!(site.processes(), []);
    // nothing is said of one that ends in time
    site.run(&options, &site.server(&[])).run();
    let said = stop(&site).run().stderr;
    assert!(said.starts_with("stopped ") && said.lines().count() == 1, "{said}");
}

#[test]
fn grace_and_signal_of_the_call_that_stops_go_before_those_of_the_start() {
    for kept_up in [&[][..], &["--keep-up"]] {
        let site = Site::new();
        let server = site.server(&["--ignore-term"]);
        let options = [kept_up, &["--grace", "40s"]].concat();
        let begun = Instant::now();
        site.run(&options, &server).run();
        let stopped = stop(&site).args(["--grace", "200ms"]).run();
        assert!(stopped.stderr.contains("SIGTERM ignored, SIGKILL after 0.20 s"), "{stopped:?}");
        site.run(&options, &server).run();
        let stopped = stop(&site).args(["--stop-signal", "QUIT"]).run();
        assert!(!stopped.stderr.contains("SIGKILL"), "{stopped:?}");
        site.run(&options, &server).run();
        let restarted = site.run(&[kept_up, &["--grace", "100ms", "--restart"]].concat(), &server).run();
        assert!(restarted.stderr.contains("SIGKILL after 0.10 s"), "{restarted:?}");
        // what is asked of a stop is not what the server is started with the next time
        stop(&site).args(["--grace", "0s"]).run();
        let record: Value = serde_json::from_slice(&fs::read(site.record()).unwrap()).unwrap();
        assert_eq!(record["grace_ms"], 100);
        assert!(begun.elapsed() < Duration::from_secs(40), "a grace of the start was waited out");
        assert_eq!(site.processes(), []);
    }
}

#[test]
fn who_wants_a_server_that_is_being_stopped_gets_the_next_one() {
    for kept_up in [&[][..], &["--keep-up"]] {
        let site = Site::new();
        let server = site.server(&["--ignore-term"]);
        let first = site.line(&[kept_up, &["--health", "/"]].concat(), &server);
        let mut stopping = stop(&site).args(["--grace", "1s"]).spawn();
        let lock = || fs::read_to_string(site.lock()).unwrap_or_default();
        eventually("the stop", || lock().to_lowercase().contains("stopping"));
        let next = site.line(&[kept_up, &["--health", "/"]].concat(), &server);
        assert_eq!((next.action.as_str(), site.started().len()), ("started", 2), "{next:?}");
        assert_ne!(next.pid, first.pid);
        assert!(stopping.wait().expect("a child can be waited for").success());
        assert_eq!(site.alive(), [next.pid.unwrap()]);
    }
}

#[test]
fn a_supervisor_that_takes_a_server_over_stops_it_as_its_own_call_asks() {
    let site = Site::new();
    let options = ["--keep-up", "--grace", "1s"];
    site.run(&options, &site.server(&[])).run();
    let record = || -> Value { serde_json::from_slice(&fs::read(site.record()).unwrap()).unwrap() };
    let supervisor = u32::try_from(record()["supervisor"]["pid"].as_u64().unwrap()).unwrap();
    send(supervisor, Signal::SIGKILL);
    eventually("its end", || !runs(supervisor));
    // as a stop leaves it that was killed with the supervisor
    amend(&site, |record| {
        record["grace_ms"] = 20_000.into();
        record["stop_signal"] = "SIGUSR1".into();
    });
    site.run(&options, &site.server(&[])).run();
    assert_eq!((&record()["grace_ms"], &record()["stop_signal"]), (&1000.into(), &Value::Null));
}

#[test]
fn a_server_of_sixty_children_and_few_descriptors_is_stopped() {
    let site = Site::new();
    site.serve(&["--forks", "60"]).run();
    let line = format!("ulimit -n 16; exec '{}' --stop {}", env!("CARGO_BIN_EXE_ensure-up"), site.port);
    let mut tool = Tool::new("sh").args(["-c", &line]).env("ENSURE_UP_DIR", site.path("state")).cwd(&site.folder());
    let output = tool.finish();
    let left = site.processes();
    let halted = left
        .iter()
        .filter(|one| process::stat(one.pid).ok().flatten().is_some_and(|stat| stat.state == RunState::Stopped));
    assert_eq!(halted.count(), 0, "{output:?}");
    assert_eq!((left.len(), output.status.code()), (0, Some(0)), "{output:?}");
}

#[test]
fn postgres_is_stopped_by_its_own_signal_and_any_other_program_by_sigterm() {
    let site = Site::new();
    let postgres = site.word("postgres");
    assert!(Command::new("cp").arg(fixture()).arg(&postgres).status().unwrap().success());
    // SIGTERM would be ignored until the grace is over
    let words = [postgres.as_str(), "serve", "--ignore-term", "127.0.0.1:{port}"];
    let patient = ["--grace", "20s"];
    let at_once = Duration::from_secs(8);
    site.run(&patient, &words).run();
    let output = stop(&site).run();
    assert!(output.took < at_once, "{:?}", output.took);
    site.run(&patient, &shell("\"$0\" \"$@\"; true", &words.map(str::to_owned))).run();
    let output = stop(&site).run();
    assert!(output.took < at_once, "behind a shell: {:?}", output.took);
    // what was asked for is sent to every program
    site.run(&["--stop-signal", "TERM", "--grace", "300ms"], &words).run();
    assert!(stop(&site).run().stderr.contains("SIGKILL after 0.30 s: postgres ("));
    listens_no_more(&site);
}

fn listens_no_more(site: &Site) {
    let address = ([127, 0, 0, 1], site.port).into();
    assert!(std::net::TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_err());
}
