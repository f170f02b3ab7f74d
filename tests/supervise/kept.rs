//! A site whose server is kept up: what its supervisor, its record and its log say.

use std::{fs, path::PathBuf, process::Command};

use nix::sys::signal::Signal;
use proc_tree::{Handle, Identity};
use serde::Deserialize;

use crate::{
    site::{Line, Site, fixture, line, send, shell},
    support::{Tool, eventually},
};

/// Pauses that a test can wait for.
pub(crate) const SOON: [&str; 3] = ["--keep-up", "--backoff", "20ms..40ms"];

/// A line of `--status --json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) folder: Option<PathBuf>,
    pub(crate) command: Option<Vec<String>>,
    pub(crate) port: u16,
    pub(crate) state: String,
    pub(crate) running: bool,
    pub(crate) pid: Option<u32>,
    pub(crate) start_id: Option<u64>,
    pub(crate) healthy: bool,
    pub(crate) restarts: u32,
    pub(crate) reloads: u32,
    pub(crate) uptime_seconds: Option<f64>,
    pub(crate) cpu_percent: Option<f64>,
    pub(crate) memory_bytes: Option<u64>,
    pub(crate) memory_measure: Option<String>,
    pub(crate) url: Option<String>,
    pub(crate) log: Option<PathBuf>,
    pub(crate) reason: Option<String>,
}

/// Words what is said of a process that SIGKILL has ended, which is not a child of whoever says it: how, where the kernel tells
/// (Linux 6.15).
pub(crate) fn killed() -> &'static str {
    let mut sleep = Command::new("sleep").arg("60").spawn().expect("sleep runs");
    let identity = Identity::of(sleep.id()).expect("it can be looked at").expect("it runs");
    let handle = Handle::open(identity).expect("it can be opened").expect("it runs");
    send(sleep.id(), Signal::SIGKILL);
    sleep.wait().expect("it ends");
    handle.exit_status().map_or("ended", |_| "was ended by SIGKILL")
}

impl Site {
    /// Prepares a call that keeps the server up.
    pub(crate) fn keep<A: AsRef<str>>(&self, options: &[&str], command: &[A]) -> Tool {
        self.run(&[&SOON, options].concat(), command)
    }

    /// Starts a server that is kept up and returns what the call says of it.
    pub(crate) fn kept<A: AsRef<str>>(&self, options: &[&str], command: &[A]) -> Line {
        line(&self.keep(&[&["--json"], options].concat(), command).run())
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        let output = self.bare().args(["--status", "--json"]).any_stdout().run();
        output.stdout.lines().map(|line| serde_json::from_str(line).expect("a status record")).collect()
    }

    pub(crate) fn entry(&self) -> Entry {
        let mut entries = self.entries();
        assert_eq!(entries.len(), 1, "{entries:?}");
        entries.remove(0)
    }

    /// Returns what the record says; `Null` while there is none.
    pub(crate) fn recorded(&self, key: &str) -> serde_json::Value {
        let text = fs::read(self.file("json")).unwrap_or_default();
        let record: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
        record[key].clone()
    }

    pub(crate) fn supervisor(&self) -> Identity {
        serde_json::from_value(self.recorded("supervisor")).expect("the record names a supervisor")
    }

    /// Waits until so many servers were started one after another and the last one is ready.
    pub(crate) fn generation(&self, number: usize) {
        eventually(&format!("generation {number}, with this log:\n{}", self.logged()), || {
            self.started().len() >= number && self.recorded("phase") == "ready"
        });
        assert_eq!(self.started().len(), number, "the log:\n{}", self.logged());
    }

    pub(crate) fn logged(&self) -> String {
        fs::read_to_string(self.file("log")).unwrap_or_default()
    }

    /// Returns the path of a file about the server on the site's port, whatever its name.
    pub(crate) fn file(&self, kind: &str) -> PathBuf {
        let (beginning, end) = (format!("{}-", self.port), format!(".{kind}"));
        let names = fs::read_dir(self.path("state")).into_iter().flatten().flatten();
        let mut names = names.filter_map(|entry| entry.file_name().into_string().ok());
        let found = names.find(|name| name.starts_with(&beginning) && name.ends_with(&end));
        found.map_or_else(|| self.file_of(&self.folder(), None, kind), |name| self.state(&name))
    }

    /// Tells whether nothing of the server runs, and whether that is what its record says.
    pub(crate) fn is_stopped(&self) -> bool {
        self.processes().is_empty() && self.recorded("phase") == "stopped"
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder can be made");
        fs::write(path, text).expect("a file can be written");
    }
}

/// The server behind a script that runs first, with the server as its `"$@"`. Each start is counted.
pub(crate) fn scripted(script: &str) -> Vec<String> {
    let mut command = shell(&format!("echo $$ >> count; {script}"), &["sh".to_owned()]);
    command.extend([fixture(), "serve".into(), "127.0.0.1:{port}".into()]);
    command
}
