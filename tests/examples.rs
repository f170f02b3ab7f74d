//! The set-ups of examples/: each README is played as it stands, and what it tells besides is tried. And docs/recipes.md.

mod support;

#[path = "ensure-up/site.rs"]
#[allow(dead_code, reason = "the tests of one server use the rest of it")]
mod site;

#[path = "examples/backend_pool.rs"]
mod backend_pool;
#[path = "examples/dev_fleet.rs"]
mod dev_fleet;
#[path = "examples/gauges.rs"]
mod gauges;
#[path = "examples/lost_pid_file.rs"]
mod lost_pid_file;
#[path = "examples/machines.rs"]
mod machines;
#[path = "examples/model_server.rs"]
mod model_server;
#[path = "examples/readme.rs"]
mod readme;
#[path = "examples/recipes.rs"]
mod recipes;
#[path = "examples/transcript.rs"]
mod transcript;

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output},
    thread,
};

use serde_json::Value;
use site::Site;
use support::{installed, project, records, shell::shell};

/// A copy of a set-up, on ports of its own. Whatever runs in it is ended with it.
struct SetUp {
    site: Site,
    variables: Vec<(&'static str, String)>,
}

impl SetUp {
    /// Makes an empty folder, unless a program is missing that is needed there.
    fn empty(programs: &[&str]) -> Option<Self> {
        for program in programs {
            installed(program)?;
        }
        Some(Self { site: Site::new(), variables: Vec::new() })
    }

    /// Copies a folder of examples/.
    fn copy(name: &str, programs: &[&str]) -> Option<Self> {
        let set_up = Self::empty(programs)?;
        let from = project().join("examples").join(name);
        let copied = Command::new("cp").arg("-R").arg(from.join(".")).arg(set_up.site.folder()).status();
        assert!(copied.is_ok_and(|status| status.success()), "{name} can be copied");
        Some(set_up)
    }

    fn with(mut self, variable: &'static str, value: &(impl ToString + ?Sized)) -> Self {
        self.variables.push((variable, value.to_string()));
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.site.path(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Prepares a script in the copy's folder.
    fn shell(&self, text: &str) -> Command {
        let mut shell = shell(text, &self.site.folder());
        shell.envs(self.variables.iter().map(|(name, value)| (name, value)));
        shell
    }

    fn run(&self, text: &str) -> Output {
        self.shell(text).output().expect("a shell runs")
    }

    /// Runs a script that succeeds; returns what it wrote to stdout.
    fn stdout(&self, text: &str) -> String {
        let output = self.run(text);
        assert!(output.status.success(), "{text}: {output:?}");
        String::from_utf8(output.stdout).expect("the tools write text")
    }

    /// Runs a script to this status; returns what it wrote to stderr.
    fn stderr(&self, text: &str, status: i32) -> String {
        let output = self.run(text);
        assert_eq!(output.status.code(), Some(status), "{text}: {output:?}");
        String::from_utf8(output.stderr).expect("the tools write text")
    }

    /// Runs a script that writes JSON Lines.
    fn records(&self, text: &str) -> Vec<Value> {
        records(&self.stdout(text))
    }

    /// Runs scripts at once, each to its end.
    fn at_once(&self, texts: &[&str]) -> Vec<Output> {
        thread::scope(|scope| {
            let runs: Vec<_> = texts.iter().map(|text| scope.spawn(|| self.run(text))).collect();
            runs.into_iter().map(|run| run.join().expect("a run does not panic")).collect()
        })
    }
}
