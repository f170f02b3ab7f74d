//! `--foreground` of several services: their logs behind their names, their end and this call's, what a service manager is told.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    os::unix::{net::UnixDatagram, process::ExitStatusExt},
    process::{Child, Command},
    time::Duration,
};

use nix::sys::signal::Signal;

use crate::{
    file::{run, site},
    site::{Site, send},
    support::{Terminal, Tool, eventually, installed, skipped},
};

/// A call that stays, and what it says line by line.
struct Call {
    child: Child,
    err: BufReader<std::process::ChildStderr>,
}

impl Call {
    fn begin(tool: &mut Tool) -> Self {
        let mut child = tool.spawn();
        let err = BufReader::new(child.stderr.take().unwrap());
        Self { child, err }
    }

    /// Reads until a line begins so, and returns it.
    fn says(&mut self, beginning: &str) -> String {
        let mut all = String::new();
        loop {
            let mut line = String::new();
            assert!(self.err.read_line(&mut line).unwrap() > 0, "{beginning:?} is not in {all:?}");
            if line.starts_with(beginning) {
                return line;
            }
            all += &line;
        }
    }

    /// Sends a signal, and returns what it says until it has ended by that.
    fn ends_by(mut self, signal: Signal) -> String {
        send(self.child.id(), signal);
        let mut rest = String::new();
        self.err.read_to_string(&mut rest).unwrap();
        assert_eq!(self.child.wait().unwrap().signal(), Some(signal as i32), "{rest}");
        rest
    }
}

fn stack() -> Site {
    site(&[
        ("web", "--print hello", "depends_on = \"api\""),
        ("api", "--print bonjour", "depends_on = \"db\""),
        ("db", "", "log = \"db.log\""),
    ])
}

#[test]
fn their_logs_are_merged_and_a_signal_stops_them_dependents_first() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let site = stack();
        let mut call = Call::begin(&mut run(&site, &["--all", "--foreground"]));
        call.says("web  | hello\n");
        call.says("web  | ready 127.0.0.1:");
        fs::File::options()
            .append(true)
            .open(site.path("db.log"))
            .and_then(|mut log| std::io::Write::write_all(&mut log, b"no end"))
            .unwrap();
        let rest = call.ends_by(signal);
        assert!(rest.ends_with("stopped web, api, db\n") && rest.contains("db   | no end\n"), "{rest}");
        assert!(site.processes().is_empty());
    }
}

#[test]
fn on_a_terminal_names_are_coloured_and_what_is_stopped_stands_on_a_line_of_its_own() {
    let site = stack();
    let mut tool = run(&site, &["--all", "--foreground"]);
    let mut terminal = Terminal::start(tool.command(), 100, 24);
    terminal.shows("|\u{1b}[0m hello\r\n");
    terminal.types("\u{3}");
    let (status, screen) = terminal.end();
    assert_eq!(status.signal(), Some(Signal::SIGINT as i32), "{screen}");
    assert!(screen.contains("^C\r\n") && screen.ends_with("stopped web, api, db\r\n"), "{screen}");
    assert!(site.processes().is_empty());
}

/// Tells whether a process has a handler for a signal.
fn catches(pid: u32, signal: Signal) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigCgt:")?.trim(), 16).ok());
    caught.is_some_and(|caught| caught >> (signal as i32 - 1) & 1 == 1)
}

#[test]
fn what_was_there_before_goes_on_and_nothing_of_its_log_is_repeated() {
    let site = stack();
    run(&site, &["db"]).run();
    let mut call = Call::begin(&mut run(&site, &["--foreground", "api"]));
    let line = call.says("api  | ready ");
    assert!(line.ends_with('\n'));
    let rest = call.ends_by(Signal::SIGTERM);
    assert_eq!(rest, "db goes on: it was up before\nstopped api\n");
    assert_eq!(site.alive(), site.started()[..1]);
    // nor does one that is attached to alone
    let call = Call::begin(&mut run(&site, &["--foreground", "db"]));
    eventually("that it listens to signals", || catches(call.child.id(), Signal::SIGINT));
    assert!(call.ends_by(Signal::SIGINT).ends_with("db goes on: it was up before\n"));
}

#[test]
fn the_end_of_one_is_the_end_of_all_and_its_status_the_calls() {
    let site = site(&[("web", "--die-after 700", "depends_on = \"db\""), ("db", "", ""), ("api", "", "")]);
    let mut file = fs::OpenOptions::new().append(true).open(site.path("ensure-up.toml")).unwrap();
    std::io::Write::write_all(&mut file, b"[job]\ncommand = \"echo migrated\"\nonce = true\n").unwrap();
    let output = run(&site, &["--all", "--foreground"]).status(7).run();
    assert!(output.stderr.contains("\nensure-up: web ended with status 7\n"), "{output:?}");
    // a job that is done is no end
    assert!(output.stderr.contains("\njob  | migrated\n"), "{output:?}");
    assert!(output.stderr.ends_with("stopped db, api\n") || output.stderr.ends_with("stopped api, db\n"), "{output:?}");
    assert!(output.stdout.is_empty() && site.processes().is_empty());
}

#[test]
fn one_that_is_kept_up_may_end_and_one_that_does_not_come_up_ends_all() {
    let site = site(&[("web", "", "keep_up = true\nbackoff = \"10ms\""), ("db", "", "")]);
    let mut call = Call::begin(&mut run(&site, &["--all", "--foreground"]));
    call.says("db   | ready ");
    let web = fs::read_to_string(site.path("count")).unwrap();
    let of_web = |pid: &&str| {
        fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.contains(&site.port.to_string()))
    };
    let pid: u32 = web.lines().find(of_web).unwrap().parse().unwrap();
    std::thread::sleep(Duration::from_millis(200));
    send(pid, Signal::SIGKILL);
    eventually("another one", || site.started().len() == 3);
    call.says("web  | ready ");
    assert!(call.ends_by(Signal::SIGINT).contains("stopped "));
    assert!(site.processes().is_empty());

    for options in [&["--foreground"][..], &["--then", "touch ran"]] {
        let site =
            crate::file::site(&[("fine", "", ""), ("broken", "--die-after 300 --delay 9000", "depends_on = \"fine\"")]);
        let output = run(&site, options).arg("--all").status(3).run();
        assert!(output.stderr.ends_with("stopped fine\n"), "{output:?}");
        assert!(site.processes().is_empty() && !site.path("ran").exists());
    }
}

#[test]
fn a_service_manager_is_told_when_all_are_up_and_the_servers_are_not() {
    let site = stack();
    let port = (site.port + 5).to_string();
    let single = ["--port", &port, "--foreground", "--"].map(str::to_owned).into_iter().chain(site.server(&[]));
    for arguments in [vec!["--all".to_owned(), "--foreground".to_owned()], single.collect()] {
        let path = site.path("notify");
        let _ = fs::remove_file(&path);
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(crate::support::PATIENCE)).unwrap();
        let is_several = arguments[0] == "--all";
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let call = Call::begin(&mut run(&site, &arguments).env("NOTIFY_SOCKET", &path));
        let said = || {
            let mut message = [0; 64];
            let length = socket.recv(&mut message).unwrap();
            String::from_utf8_lossy(&message[..length]).into_owned()
        };
        assert_eq!(said(), "READY=1");
        assert_eq!(site.alive().len(), if is_several { 3 } else { 1 });
        for pid in site.alive() {
            let environment = fs::read_to_string(format!("/proc/{pid}/environ"));
            assert!(environment.is_ok_and(|text| !text.contains("NOTIFY_SOCKET")));
        }
        call.ends_by(Signal::SIGTERM);
        assert_eq!(said(), "STOPPING=1");
    }
}

#[test]
fn the_unit_in_the_examples_is_one_that_systemd_takes() {
    let Some(analyze) = installed("systemd-analyze") else { return };
    let unit = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/ensure-up.service")).unwrap();
    assert!(unit.contains("Type=notify\n") && unit.contains("KillMode=mixed\n"), "{unit}");
    let site = Site::new();
    let unit = unit.replace("/usr/local/bin/ensure-up", env!("CARGO_BIN_EXE_ensure-up")).replace("/srv/shop", "/");
    fs::write(site.path("shop.service"), unit).unwrap();
    let verified = Command::new(analyze).args(["verify", "--man=no"]).arg(site.path("shop.service")).output().unwrap();
    let said = String::from_utf8_lossy(&verified.stderr).into_owned();
    if said.contains("Failed to initialize manager") || said.contains("Failed to connect") {
        return skipped(&said);
    }
    assert!(verified.status.success() && !said.contains("shop.service"), "{said}");
}
