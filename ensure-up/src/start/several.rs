//! Several services at once: dependencies first, everything else side by side.

use std::{
    env,
    ffi::OsString,
    io,
    path::Path,
    process::{Output, Stdio},
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use nix::{sys::signal::kill, unistd::Pid};
use proc_tree::Signal;
use tokio::{process::Command, select};

use crate::{health, report::Line, service::file::Definition, signals::Signals};

/// How a service's start ended.
#[derive(Debug, Clone)]
pub struct Ended {
    /// Its place among the services.
    pub index: usize,
    /// Its record.
    pub line: Line,
    /// The status of its start.
    pub status: u8,
    /// What its start said.
    pub said: String,
}

/// The services of one call.
#[derive(Debug)]
pub struct Fleet<'f> {
    /// The services, in their file's order.
    pub services: &'f [Definition],
    /// The folder that their paths are relative to.
    pub folder: &'f Path,
    /// Options of this call that go for all of them.
    pub options: &'f [OsString],
    /// Whether to start one after the other.
    pub sequential: bool,
}

impl Fleet<'_> {
    /// Starts them all. Each one that has ended is handed to `ended` at once; the answer has them in the file's order,
    /// or the signal that ended it all.
    ///
    /// Every service is started by a process of its own, this program again: what one server leaves behind is not
    /// mistaken for another's.
    ///
    /// # Errors
    /// When no process can be started or waited for.
    pub fn start(&self, ended: &mut dyn FnMut(&Ended)) -> io::Result<Result<Vec<Ended>, Signal>> {
        health::block_on(self.run(ended))?
    }

    async fn run(&self, ended: &mut dyn FnMut(&Ended)) -> io::Result<Result<Vec<Ended>, Signal>> {
        let mut signals = Signals::catch()?;
        let mut done: Vec<Option<Ended>> = self.services.iter().map(|_| None).collect();
        let mut begun = vec![false; self.services.len()];
        let mut children = Vec::new();
        let mut running = FuturesUnordered::new();
        loop {
            while let Some(index) = self.next(&done, &begun, running.len()) {
                begun[index] = true;
                if let Some(needed) = self.failed_need(index, &done) {
                    let end = self.not_started(index, needed, &done);
                    ended(&end);
                    done[index] = Some(end);
                    continue;
                }
                let child = self.command(index)?.spawn()?;
                children.extend(child.id());
                running.push(async move { (index, child.wait_with_output().await) });
            }
            if running.is_empty() {
                return Ok(Ok(done.into_iter().flatten().collect()));
            }
            select! {
                Some((index, output)) = running.next() => {
                    let end = self.ended(index, &output?);
                    ended(&end);
                    done[index] = Some(end);
                }
                signal = signals.next() => {
                    for &child in &children {
                        let _ = kill(Pid::from_raw(i32::try_from(child).unwrap_or(i32::MAX)), nix::sys::signal::Signal::try_from(signal.number()).ok());
                    }
                    while running.next().await.is_some() {}
                    return Ok(Err(signal));
                }
            }
        }
    }

    /// Returns a service that can be begun now: everything that it needs has ended, well or not.
    fn next(&self, done: &[Option<Ended>], begun: &[bool], running: usize) -> Option<usize> {
        if self.sequential && running > 0 {
            return None;
        }
        let is_due = |&index: &usize| !begun[index] && self.needs(index).all(|needed| done[needed].is_some());
        (0..self.services.len()).find(is_due)
    }

    fn needs(&self, index: usize) -> impl Iterator<Item = usize> {
        let needed = &self.services[index].depends_on;
        self.services.iter().enumerate().filter(|(_, service)| needed.contains(&service.name)).map(|(index, _)| index)
    }

    fn failed_need(&self, index: usize, done: &[Option<Ended>]) -> Option<usize> {
        self.needs(index).find(|&needed| done[needed].as_ref().is_some_and(|end| end.status != 0))
    }

    fn not_started(&self, index: usize, needed: usize, done: &[Option<Ended>]) -> Ended {
        let why = format!("not started: it needs {}, which is not up", self.services[needed].name);
        let status = done[needed].as_ref().map_or(1, |end| end.status);
        Ended { index, line: Line::not_up(&self.services[index].name, why), status, said: String::new() }
    }

    fn command(&self, index: usize) -> io::Result<Command> {
        let service = &self.services[index];
        let mut command = Command::new(env::current_exe()?);
        command.args(&service.options).args(self.options).arg("--json").arg("--").args(&service.command);
        command.envs(&service.environment).current_dir(self.folder);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Ok(command)
    }

    fn ended(&self, index: usize, output: &Output) -> Ended {
        use std::os::unix::process::ExitStatusExt;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let status = output.status.code().or(output.status.signal().map(|signal| 128 + signal)).unwrap_or(1);
        let status = u8::try_from(status).unwrap_or(u8::MAX);
        let name = &self.services[index].name;
        let line = serde_json::from_slice(&output.stdout).map(|line: Line| Line { name: name.clone(), ..line });
        let line = line.unwrap_or_else(|_| {
            let first = said.lines().next().unwrap_or("it said nothing");
            Line::not_up(name, first.strip_prefix("ensure-up: ").unwrap_or(first).to_owned())
        });
        Ended { index, line, status, said }
    }
}
