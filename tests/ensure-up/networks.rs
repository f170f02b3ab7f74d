//! A port is one of a network namespace: a server on the same port in another one is somebody else's.

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use crate::{
    site::{Site, by_hand, end},
    support::{installed, is_root_or_skipped, runs, skipped},
};
use proc_tree::Identity;

/// A network namespace with a loopback device, kept by a process of its own.
struct Network {
    keeper: Child,
    nsenter: PathBuf,
}

impl Network {
    /// Makes one, unless this place does not let a test do so.
    fn new() -> Option<Self> {
        if !is_root_or_skipped() {
            return None;
        }
        let (unshare, nsenter) = (installed("unshare")?, installed("nsenter")?);
        installed("ip")?;
        let mut keeper = Command::new(unshare);
        keeper.args(["-n", "sh", "-c", "ip link set lo up && echo up && exec sleep 120"]).stdin(Stdio::null());
        let keeper = keeper.current_dir("/").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut network = Self { keeper, nsenter };
        let mut said = String::new();
        let stdout = network.keeper.stdout.take().expect("its output is a pipe");
        let _ = BufReader::new(stdout).read_line(&mut said);
        if said != "up\n" {
            skipped("no network namespace may be made");
            return None;
        }
        Some(network)
    }

    /// Runs ensure-up there.
    fn run(&self, site: &Site, words: &[String]) -> Output {
        let mut command = Command::new(&self.nsenter);
        command.args(["-t", &self.keeper.id().to_string(), "-n"]).arg(env!("CARGO_BIN_EXE_ensure-up")).args(words);
        command.current_dir(site.folder()).env("ENSURE_UP_DIR", site.path("state")).output().expect("nsenter runs")
    }

    fn start(&self, site: &Site, options: &[&str]) -> (u32, String) {
        let port = site.port.to_string();
        let words = [&["--json", "--timeout", "10s", "--port", &port], options, &["--"]].concat();
        let words: Vec<String> = words.into_iter().map(str::to_owned).chain(site.server(&[])).collect();
        let output = self.run(site, &words);
        assert!(output.status.success(), "{output:?}");
        let line = crate::site::read(&output.stdout);
        (line.pid.expect("a server of ours is visible"), line.action)
    }

    fn stop(&self, site: &Site) -> Output {
        self.run(site, &["--stop".to_owned(), site.port.to_string()])
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let _ = self.keeper.kill().and_then(|()| self.keeper.wait());
    }
}

fn stop_here(site: &Site) {
    site.bare().args(["--stop", &site.port.to_string()]).any_stdout().any_stderr().run();
}

#[test]
fn the_same_service_on_the_same_port_runs_once_in_each_network_and_is_stopped_there_alone() {
    let Some(network) = Network::new() else { return };
    for options in [&[][..], &["--name", "web"], &["--keep-up"]] {
        let site = Site::new();
        let here = site.line(options, &site.server(&[])).pid.unwrap();
        let began = Instant::now();
        let (there, action) = network.start(&site, options);
        assert_eq!(action, "started", "{options:?}");
        assert!(here != there && began.elapsed() < Duration::from_secs(8), "{options:?}: {:?}", began.elapsed());
        assert_eq!(network.start(&site, options).0, there, "{options:?}");
        assert_eq!(site.line(options, &site.server(&[])).pid, Some(here), "{options:?}");
        assert!(network.stop(&site).status.success());
        assert!(runs(here) && !runs(there), "{options:?}");
        // nothing runs there now, and that is all that is known there
        assert!(network.stop(&site).status.success());
        assert!(runs(here), "{options:?}");
        let (there, _) = network.start(&site, options);
        stop_here(&site);
        assert!(!runs(here) && runs(there), "{options:?}");
    }
}

#[test]
fn a_server_in_another_network_whose_record_is_lost_is_not_taken_for_the_one_here() {
    let Some(network) = Network::new() else { return };
    let site = Site::new();
    let here = site.line(&[], &site.server(&[])).pid.unwrap();
    std::fs::remove_dir_all(site.path("state")).unwrap();
    assert!(network.stop(&site).status.success());
    assert!(runs(here));
    let (there, action) = network.start(&site, &[]);
    assert!(action == "started" && there != here);
    std::fs::remove_dir_all(site.path("state")).unwrap();
    assert_eq!(site.line(&[], &site.server(&[])).pid, Some(here));
    stop_here(&site);
    assert!(!runs(here) && runs(there));
}

#[test]
fn one_that_was_started_by_hand_in_another_network_is_not_waited_for() {
    let Some(network) = Network::new() else { return };
    let site = Site::new();
    let mut child = by_hand(&site, &site.server(&[]), &site.folder());
    let began = Instant::now();
    let (there, action) = network.start(&site, &[]);
    assert_eq!(action, "started");
    assert!(there != child.id() && began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    network.run(&site, &["--stop".to_owned()]);
    assert!(runs(child.id()) && !runs(there));
    Identity::of(child.id()).unwrap().into_iter().for_each(end);
    child.wait().unwrap();
}
