//! What is secret stands in no command line and in no file that others may read, whoever of ours runs.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::{fs::PermissionsExt, process::ExitStatusExt},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use nix::sys::signal::Signal;

use crate::{
    run,
    site::{Site, fixture, send},
    support::eventually,
};

/// How everything begins that nobody may see of what comes from the file; other tests run beside this one.
const HIDDEN: &str = "hidden-";

fn holds(bytes: &[u8], secret: &str) -> bool {
    bytes.windows(secret.len()).any(|window| window == secret.as_bytes())
}

fn is_secret(bytes: &[u8]) -> bool {
    holds(bytes, HIDDEN)
}

fn pids() -> Vec<u32> {
    let names = fs::read_dir("/proc").into_iter().flatten().flatten();
    names.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// The command lines in which something secret stands now.
fn shown(secret: &str) -> BTreeSet<String> {
    let lines = pids().into_iter().filter_map(|pid| fs::read(format!("/proc/{pid}/cmdline")).ok());
    lines.filter(|line| holds(line, secret)).map(|line| String::from_utf8_lossy(&line).replace('\0', " ")).collect()
}

/// Looks at all command lines, again and again.
struct Watcher {
    ends: Arc<AtomicBool>,
    looks: JoinHandle<BTreeSet<String>>,
}

impl Watcher {
    fn start() -> Self {
        let ends = Arc::new(AtomicBool::new(false));
        let is_over = Arc::clone(&ends);
        let looks = thread::spawn(move || {
            let mut seen = BTreeSet::new();
            while !is_over.load(Ordering::Relaxed) {
                seen.extend(shown(HIDDEN));
            }
            seen
        });
        Self { ends, looks }
    }

    fn seen(self) -> BTreeSet<String> {
        self.ends.store(true, Ordering::Relaxed);
        self.looks.join().expect("a look does not panic")
    }
}

/// The files of the state folder that others may read: a record keeps how health is asked for.
fn open_files(site: &Site) -> Vec<String> {
    let files = fs::read_dir(site.path("state")).expect("the folder is there").flatten().map(|file| file.path());
    let is_open = |path: &PathBuf| path.metadata().is_ok_and(|found| found.permissions().mode() & 0o077 != 0);
    files.filter(is_open).map(|path| path.display().to_string()).collect()
}

/// The processes of ours that have something secret in their environment, but for the servers.
fn told(site: &Site) -> Vec<u32> {
    let of_ours = site.processes().into_iter().map(|process| process.pid);
    let servers = site.started();
    let has = |pid: &u32| fs::read(format!("/proc/{pid}/environ")).is_ok_and(|environment| is_secret(&environment));
    of_ours.filter(|pid| !servers.contains(pid)).filter(has).collect()
}

#[test]
fn what_is_secret_in_a_services_file_is_seen_nowhere() {
    if !cfg!(target_os = "linux") {
        return;
    }
    let site = crate::site(&[("kept", 0, "", "keep_up = true"), ("plain", 1, "", "depends_on = \"kept\"")]);
    let path = site.path("ensure-up.toml");
    let secrets = "health = \"/\"\nheader = [\"Authorization: hidden-header\"]\nenv = { TOKEN = \"hidden-variable\" }\n\
                   env_file = \"secret.env\"\n";
    let text = fs::read_to_string(&path).expect("a file");
    let text = text.replace("\n[plain]", &format!("\n{secrets}[plain]")) + secrets;
    fs::write(&path, text).expect("the folder is ours");
    fs::write(site.path("secret.env"), "OTHER=hidden-file\n").expect("the folder is ours");
    let watcher = Watcher::start();
    for arguments in [
        &["--all"][..],
        &["--all"],
        &["--restart", "--all"],
        &["--all", "--then", "true"],
        &["--status"],
        &["--status", "--json"],
        &["--logs", "kept"],
    ] {
        let output = run(&site, arguments).run();
        assert!(!is_secret(output.stdout.as_bytes()) && !is_secret(output.stderr.as_bytes()), "{output:?}");
        assert_eq!(open_files(&site), Vec::<String>::new(), "{arguments:?}");
        assert_eq!(told(&site), Vec::<u32>::new(), "{arguments:?}");
    }
    run(&site, &["--stop"]).run();
    assert_eq!(watcher.seen(), BTreeSet::new());
}

#[test]
fn what_is_secret_on_the_command_line_is_blotted_out_there() {
    if !cfg!(target_os = "linux") {
        return;
    }
    for stays in [&["--foreground"][..], &["--foreground", "--keep-up"], &["--then", "touch up; sleep 60"]] {
        let site = Site::new();
        let port = site.port.to_string();
        let secrets = ["--env", "TOKEN=typed-variable", "--env=A=typed-variable", "-H", "Authorization: typed-header"];
        let mut words = vec!["--port", &port, "--health", "/", "--env", "INHERITED"];
        words.extend(secrets.iter().chain(stays));
        let program = fixture();
        let count = site.word("count");
        words.extend(["--", &program, "serve", "--count", &count, "127.0.0.1:{port}"]);
        let mut call = run(&site, &words).env("INHERITED", "typed-environment").spawn();
        eventually("the server", || site.started().len() == 1);
        eventually("command lines without a secret", || shown("typed-").is_empty());
        let environment = fs::read(format!("/proc/{}/environ", site.started()[0])).expect("a server");
        assert!(["typed-variable", "typed-environment"].iter().all(|secret| holds(&environment, secret)));
        assert_eq!(open_files(&site), Vec::<String>::new());
        send(call.id(), Signal::SIGTERM);
        assert_eq!(call.wait().expect("a call").signal(), Some(Signal::SIGTERM as i32));
    }
}
