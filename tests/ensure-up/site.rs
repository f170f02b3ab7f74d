//! One test's world: a folder, a state folder, ports of its own, and nothing left of it when the test ends.
#![allow(unreachable_pub, reason = "a module of tests, not a library")]

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use ensure_up::{Port, ServiceId, StateFolder};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use proc_tree::{Handle, Identity, process};
use serde::Deserialize;

use crate::support::{Output, Tool, eventually, fixture_path, free_ports, runs, schema::checked};

/// The folder in which everything of a test runs, so that everything of it can be found again.
pub struct Site {
    folder: tempfile::TempDir,
    pub port: u16,
}

/// A record of a start or a stop.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    pub name: String,
    pub folder: Option<PathBuf>,
    pub port: Option<u16>,
    pub action: String,
    pub pid: Option<u32>,
    pub start_id: Option<u64>,
    pub pids: Vec<u32>,
    pub healthy: bool,
    pub ready_ms: Option<u64>,
    pub url: Option<String>,
    pub log: Option<PathBuf>,
    pub restarts: u32,
    pub reason: Option<String>,
    pub differs: Vec<String>,
}

impl Site {
    pub fn new() -> Self {
        Self::with_ports(1)
    }

    /// A site with so many ports in a row, of which it names the first.
    pub fn with_ports(count: u16) -> Self {
        let folder = tempfile::Builder::new().prefix("ensure up ").tempdir().expect("a temporary folder can be made");
        Self { folder, port: free_ports(count) }
    }

    /// Returns the folder, as the kernel names it.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().canonicalize().expect("the folder is there")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// Returns the path as an argument.
    pub fn word(&self, name: &str) -> String {
        self.path(name).into_os_string().into_string().expect("the folder's name is ASCII")
    }

    pub fn state(&self, name: &str) -> PathBuf {
        self.path("state").join(name)
    }

    /// Returns the path of the record of the site's bare command.
    pub fn record(&self) -> PathBuf {
        self.file_of(&self.folder(), None, "json")
    }

    /// Tells whether nothing is recorded of the site's bare command but that it was stopped, if that.
    pub fn is_forgotten(&self) -> bool {
        let text = fs::read_to_string(self.record()).unwrap_or_else(|_| "{\"phase\":\"stopped\"}".into());
        let record: serde_json::Value = serde_json::from_str(&text).expect("a record is whole");
        record["phase"] == "stopped"
    }

    /// Returns the path of the log of the site's bare command.
    pub fn log(&self) -> PathBuf {
        self.file_of(&self.folder(), None, "log")
    }

    /// Returns the path of a file about a service's server on the site's port.
    pub fn file_of(&self, folder: &Path, name: Option<&str>, kind: &str) -> PathBuf {
        let service = ServiceId { folder: folder.into(), name: name.map(str::to_owned) };
        self.state_folder().of_service(&service, Some(Port::tcp(self.port)), kind)
    }

    /// Returns the path of the lock of the site's port.
    pub fn lock(&self) -> PathBuf {
        let service = ServiceId { folder: self.folder(), name: None };
        self.state_folder().lock(&service, Some(Port::tcp(self.port)))
    }

    fn state_folder(&self) -> StateFolder {
        StateFolder { path: self.path("state") }
    }

    /// Prepares a run in the folder, with its own state folder and no port.
    pub fn bare(&self) -> Tool {
        Tool::new(env!("CARGO_BIN_EXE_ensure-up")).env("ENSURE_UP_DIR", self.path("state")).cwd(&self.folder())
    }

    /// Prepares a run for the site's port that may say what it likes.
    pub fn tool(&self) -> Tool {
        self.bare().args(["--port", &self.port.to_string()]).any_stdout().any_stderr()
    }

    /// The command of a server that adds its PID to a file when it starts.
    pub fn server(&self, options: &[&str]) -> Vec<String> {
        self.server_at(options, "127.0.0.1:{port}")
    }

    pub fn server_at(&self, options: &[&str], address: &str) -> Vec<String> {
        let count = self.word("count");
        let words = ["serve", "--count", &count].into_iter().chain(options.iter().copied());
        std::iter::once(fixture()).chain(words.chain([address]).map(str::to_owned)).collect()
    }

    /// The same behind a form of the fixture that comes up in an odd way.
    pub fn odd(&self, form: &[&str], options: &[&str]) -> Vec<String> {
        let mut words = self.server(options);
        words.splice(1..2, form.iter().map(|&word| word.to_owned()));
        words
    }

    /// Prepares a start of the server.
    pub fn serve(&self, options: &[&str]) -> Tool {
        self.run(&[], &self.server(options))
    }

    /// Prepares a run with these options and this command.
    pub fn run<A: AsRef<str>>(&self, options: &[&str], command: &[A]) -> Tool {
        self.tool().args(options).arg("--").args(command.iter().map(AsRef::as_ref))
    }

    /// Runs with `--json` and returns the record.
    pub fn line<A: AsRef<str>>(&self, options: &[&str], command: &[A]) -> Line {
        line(&self.run(&[&["--json"], options].concat(), command).run())
    }

    /// The PIDs of the servers that were started, in that order.
    pub fn started(&self) -> Vec<u32> {
        let text = fs::read_to_string(self.path("count")).unwrap_or_default();
        text.lines().map(|line| line.parse().expect("a PID a line")).collect()
    }

    /// Those of them that live.
    pub fn alive(&self) -> Vec<u32> {
        self.started().into_iter().filter(|&pid| runs(pid)).collect()
    }

    /// All processes of the test but the test itself: they run in its folder.
    pub fn processes(&self) -> Vec<Identity> {
        let folder = self.folder();
        let is_here = |pid: u32| process::cwd(pid).ok().flatten().is_some_and(|cwd| cwd.starts_with(&folder));
        let all = process::all().expect("the process table can be read");
        all.into_iter().filter(|&pid| is_here(pid)).filter_map(|pid| Identity::of(pid).ok()?).collect()
    }

    /// Tells whether nothing runs; what is kept of a start that failed names only processes that are gone.
    pub fn has_no_server(&self) -> bool {
        let text = fs::read_to_string(self.record()).unwrap_or_else(|_| "{}".into());
        let kept: serde_json::Value = serde_json::from_str(&text).expect("a record is whole");
        let pid = kept["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok());
        self.processes().is_empty() && pid.is_none_or(|pid| !runs(pid))
    }

    /// Kills whatever runs, and waits until it is gone.
    pub fn clear(&self) {
        loop {
            let processes = self.processes();
            if processes.is_empty() {
                return;
            }
            for identity in processes {
                end(identity);
            }
        }
    }

    /// Answers `GET /` of the site's server, head and body.
    pub fn get(&self) -> String {
        get(SocketAddr::from(([127, 0, 0, 1], self.port)))
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Starts a command in the site's folder as somebody without ensure-up would, and waits until it listens.
pub fn by_hand(site: &Site, command: &[String], folder: &Path) -> Child {
    let child = start_by_hand(site, command, folder);
    listens(([127, 0, 0, 1], site.port).into());
    child
}

/// The same without the wait.
pub fn start_by_hand(site: &Site, command: &[String], folder: &Path) -> Child {
    let words: Vec<String> = command.iter().map(|word| word.replace("{port}", &site.port.to_string())).collect();
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null());
    command.spawn().expect("the fixture runs")
}

/// Kills a process and waits until it is gone.
pub fn end(identity: Identity) {
    if let Ok(Some(handle)) = Handle::open(identity) {
        let _ = handle.signal(proc_tree::Signal::KILL);
        let _ = proc_tree::handle::ended(&[&handle], None);
    }
}

pub fn send(pid: u32, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(pid).expect("a PID")), signal).expect("the process can be signalled");
}

/// Waits until a process that was forked runs this program.
pub fn becomes(pid: u32, program: &str) {
    let name = || process::stat(pid).ok().flatten().map(|stat| stat.name);
    eventually(program, || name().as_deref() == Some(program));
}

pub fn fixture() -> String {
    fixture_path().into_os_string().into_string().expect("the build folder's name is UTF-8")
}

/// A shell that wraps a command.
pub fn shell(script: &str, command: &[String]) -> Vec<String> {
    ["/bin/sh", "-c", script].into_iter().map(str::to_owned).chain(command.iter().cloned()).collect()
}

/// Decodes the only record that a call wrote.
pub fn read(stdout: &[u8]) -> Line {
    let mut records = checked("ensure-up", &String::from_utf8_lossy(stdout));
    assert_eq!(records.len(), 1, "{records:?}");
    serde_json::from_value(records.remove(0)).expect("as the schema has it")
}

pub fn line(output: &Output) -> Line {
    read(output.stdout.as_bytes())
}

pub fn get(address: SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).expect("the server is up");
    stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a socket has a limit");
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").expect("the server takes a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the server answers");
    answer
}

/// Waits until somebody listens.
pub fn listens(address: SocketAddr) {
    eventually("a listener", || TcpStream::connect(address).is_ok());
}

/// Tells whether a folder has a file of this kind about a port.
pub fn has_file(folder: &Path, port: u16, kind: &str) -> bool {
    let names =
        fs::read_dir(folder).into_iter().flatten().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.into_iter().any(|name| name.starts_with(&format!("{port}-")) && name.ends_with(kind))
}

/// Tells whether a folder holds nothing of this kind.
pub fn has_none(folder: &Path, kind: &str) -> bool {
    let names =
        fs::read_dir(folder).map(|entries| entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()));
    names.is_ok_and(|mut names| !names.any(|name| name.ends_with(kind)))
}
