//! Several services at once: dependencies first, everything else side by side.

use std::{
    collections::BTreeMap,
    env, io,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Output, Stdio},
};

use futures_util::{FutureExt, StreamExt, future::LocalBoxFuture, stream::FuturesUnordered};
use proc_tree::{Handle, Identity, Signal};
use serde::{Deserialize, Serialize};
use tokio::{io::AsyncWriteExt, process::Command, select};

use crate::{
    ServiceSpec,
    event::block_on,
    report::{explanation::Explanation, start_record::StartRecord},
    service::handover,
    signals::Signals,
};

/// What came of a start: the process that does it writes this as JSON to its standard output.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StartReport {
    /// Its record.
    pub record: StartRecord,
    /// Why the server is not up, if it is not.
    pub explanation: Option<Explanation>,
    /// What the caller should know besides.
    pub notes: Vec<String>,
}

/// A start that has ended.
#[derive(Debug, Clone)]
pub struct EndedStart {
    /// What came of it.
    pub report: StartReport,
    /// Its status; 0 when the server is up.
    pub status: u8,
}

/// The services of one call.
#[derive(Debug)]
pub struct Several<'s> {
    /// The services, in their file's order; each has its name.
    pub services: &'s [ServiceSpec],
    /// The folder that their paths are relative to.
    pub folder: &'s Path,
    /// Whether to start one after the other.
    pub sequential: bool,
}

/// A start on its way, and in the end which one it was and how its process ended.
type Running<'r> = FuturesUnordered<LocalBoxFuture<'r, (usize, io::Result<Output>)>>;

impl Several<'_> {
    /// Starts them all. Each one that has ended is handed to `ended` at once, with its place in the file's order. The
    /// answer has them all in that order, or is the signal that ended it.
    ///
    /// Every service is started by a process of its own, this program again: it takes in the orphans of its server, as a
    /// sub-reaper (prctl(2)), and whose an orphan is could not be told if one process started them all.
    ///
    /// # Errors
    /// When no process can be started or waited for.
    pub fn start(&self, ended: &mut dyn FnMut(usize, &EndedStart)) -> io::Result<Result<Vec<EndedStart>, Signal>> {
        block_on(self.run(ended))?
    }

    async fn run(&self, ended: &mut dyn FnMut(usize, &EndedStart)) -> io::Result<Result<Vec<EndedStart>, Signal>> {
        let mut signals = Signals::catch()?;
        let mut done: BTreeMap<usize, EndedStart> = BTreeMap::new();
        let mut processes = BTreeMap::new();
        let mut running = Running::new();
        loop {
            while let Some(index) = self.next(&done, &processes) {
                let Some(needed) = self.needs(index).find(|needed| done[needed].status != 0) else {
                    processes.insert(index, self.begin(index, &running)?);
                    continue;
                };
                let start = self.not_started(index, needed, done[&needed].status);
                ended(index, &start);
                done.insert(index, start);
            }
            if running.is_empty() {
                return Ok(Ok(done.into_values().collect()));
            }
            select! {
                Some((index, output)) = running.next() => {
                    processes.remove(&index);
                    let start = self.ended(index, &output?);
                    ended(index, &start);
                    done.insert(index, start);
                }
                signal = signals.next() => {
                    for process in processes.values().flatten() {
                        process.signal(signal)?;
                    }
                    while running.next().await.is_some() {}
                    return Ok(Err(signal));
                }
            }
        }
    }

    /// Returns a service that can be begun now: everything that it needs has ended, well or not.
    fn next(&self, done: &BTreeMap<usize, EndedStart>, running: &BTreeMap<usize, Option<Handle>>) -> Option<usize> {
        let is_due = |&index: &usize| {
            let is_begun = done.contains_key(&index) || running.contains_key(&index);
            !is_begun && self.needs(index).all(|needed| done.contains_key(&needed))
        };
        (0..self.services.len()).find(is_due).filter(|_| !self.sequential || running.is_empty())
    }

    fn needs(&self, index: usize) -> impl Iterator<Item = usize> {
        let needed = &self.services[index].depends_on;
        let is_needed = |service: &ServiceSpec| service.name.as_ref().is_some_and(|name| needed.contains(name));
        self.services.iter().enumerate().filter(move |(_, service)| is_needed(service)).map(|(index, _)| index)
    }

    /// Starts the process that starts a service.
    fn begin(&self, index: usize, running: &Running<'_>) -> io::Result<Option<Handle>> {
        let service = &self.services[index];
        let mut command = Command::new(env::current_exe()?);
        command.arg("--starter").arg(service.name()).current_dir(self.folder);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let identity = child.id().map(Identity::of).transpose()?.flatten();
        let spec = handover::written(service)?;
        let wait = async move {
            if let Some(mut stdin) = child.stdin.take() {
                // one that does not read has ended, which is seen next
                let _ = stdin.write_all(&spec).await;
            }
            (index, child.wait_with_output().await)
        };
        running.push(wait.boxed_local());
        identity.map(Handle::open).transpose().map(Option::flatten)
    }

    fn not_up(&self, index: usize, why: String) -> StartRecord {
        let service = &self.services[index];
        let folder = self.folder.canonicalize().unwrap_or_else(|_| self.folder.to_owned());
        let record = StartRecord::not_up(&service.name(), why).in_folder(&folder);
        let port = service.port.and_then(crate::Ports::only).map(|port| port.number);
        StartRecord { port, ..record }
    }

    fn not_started(&self, index: usize, needed: usize, status: u8) -> EndedStart {
        let why = format!("not started: it needs {}, which is not up", self.services[needed].name());
        let record = self.not_up(index, why);
        EndedStart { report: StartReport { record, explanation: None, notes: Vec::new() }, status }
    }

    fn ended(&self, index: usize, output: &Output) -> EndedStart {
        let status = output.status.code().or(output.status.signal().map(|signal| 128 + signal));
        let status = status.and_then(|status| u8::try_from(status).ok()).unwrap_or(u8::MAX);
        let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| {
            let why = format!("the process that starts it ended with {}", output.status);
            StartReport { record: self.not_up(index, why), explanation: None, notes: Vec::new() }
        });
        // to be up takes both
        let is_lost = status == 0 && report.record.action == crate::Action::Failed;
        EndedStart { report, status: if is_lost { 1 } else { status } }
    }
}
