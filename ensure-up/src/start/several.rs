//! Several services at once: dependencies first, everything else side by side.

mod report;
mod starter;

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::ExitStatus,
    time::{Duration, Instant},
};

use futures_util::{FutureExt, StreamExt, future::LocalBoxFuture, stream::FuturesUnordered};
use proc_tree::{Handle, Signal};
use tokio::{
    process::Child,
    select,
    sync::mpsc::{UnboundedSender, unbounded_channel},
    time::sleep_until,
};

use crate::{
    Ports, ServiceSpec, StateFolder,
    event::block_on,
    report::start_record::StartRecord,
    server::{end::End, environment::Environment, orphans},
    signals::Signals,
    start::{already_up, waiting::Waiting},
};
pub use report::{EndedStart, Said, StartReport};
use starter::{Output, Starter};

/// What is told of a start while the others go on.
#[derive(Debug)]
pub enum Told<'t> {
    /// What is waited for.
    Waiting(&'t Waiting),
    /// It has ended.
    Ended(&'t EndedStart),
    /// It has ended because this tool was asked to end.
    Interrupted(&'t EndedStart),
}

/// The services of one call.
#[derive(Debug)]
pub struct Several<'s> {
    /// The services, in their file's order; each has its name.
    pub services: &'s [ServiceSpec],
    /// The folder that they belong to, links resolved, unless they name another one; their paths are relative to it.
    pub folder: &'s Path,
    /// What a service's server inherits, by the service's place, where that is not this process's environment.
    pub environments: &'s BTreeMap<usize, Environment>,
    /// Whether to start one after the other.
    pub sequential: bool,
    /// Whether what is started shall come to this process when its starter has ended, so that its end can be learned.
    pub takes_in: bool,
    /// The ports of the services of its file, by a service's place, as far as they are known before any is started.
    pub ports: &'s BTreeMap<usize, BTreeMap<String, u16>>,
}

/// What came of the services of one call.
#[derive(Debug, Clone, Default)]
pub struct EndedStarts {
    /// The starts that have ended, by the service's place in the file's order: all of them, unless a signal came.
    pub starts: BTreeMap<usize, EndedStart>,
    /// The signal that ended it.
    pub signal: Option<Signal>,
}

/// Takes in what is told of a service, by its place in the file's order.
pub type Teller<'t> = dyn FnMut(usize, Told<'_>) + 't;

/// How long those that are up are looked for before processes are made for the others.
const AT_FIRST: Duration = Duration::from_millis(200);

/// How long those that were begun have the processors to themselves before processes are made for those that come next.
const AHEAD: Duration = Duration::from_millis(20);

/// The starts on their way: in the end which one it was, how its process ended, and what it said last.
type Running<'r> = FuturesUnordered<LocalBoxFuture<'r, (usize, io::Result<Output>)>>;

impl Several<'_> {
    /// Starts them all. What is to be told of one is told at once.
    ///
    /// Every service that is not up is started by a process of its own, this program again: it takes in the orphans of its
    /// server, as a sub-reaper (prctl(2)), and whose an orphan is could not be told if one process started them all.
    ///
    /// # Errors
    /// When no process can be started or waited for.
    pub fn start(&self, tell: &mut Teller<'_>) -> io::Result<EndedStarts> {
        if self.takes_in {
            orphans::adopt();
        }
        let up = self.already_up(tell);
        block_on(self.run(up, tell))?
    }

    /// Finds those that are up with all that they need: mostly all are, and no process has to be made for any. One that
    /// hangs is asked in this way no longer than [`AT_FIRST`], or others would wait for it.
    fn already_up(&self, tell: &mut Teller<'_>) -> BTreeMap<usize, EndedStart> {
        let (mut up, mut left) = (BTreeMap::new(), BTreeMap::new());
        let begun = Instant::now();
        let Ok(state_folder) = StateFolder::find() else { return up };
        while let Some(index) = self.next(&up, &left).filter(|_| begun.elapsed() < AT_FIRST) {
            let Some(outcome) = already_up::find(&self.services[index], self.folder, &state_folder) else {
                left.insert(index, None);
                continue;
            };
            let report = StartReport::up(outcome);
            let start = EndedStart { report, status: 0 };
            tell(index, Told::Ended(&start));
            up.insert(index, start);
        }
        up
    }

    async fn run(&self, mut done: BTreeMap<usize, EndedStart>, tell: &mut Teller<'_>) -> io::Result<EndedStarts> {
        let (mut signals, mut caught) = (Signals::catch()?, None);
        let mut processes = BTreeMap::new();
        let mut idle = BTreeMap::new();
        let mut running = Running::new();
        let mut leaving = FuturesUnordered::new();
        let (sender, mut waits) = unbounded_channel();
        let mut begun = Instant::now();
        loop {
            while let Some(index) = self.next(&done, &processes).filter(|_| caught.is_none()) {
                let starter = idle.remove(&index).flatten();
                let Some(needed) = self.needs(index).find(|needed| done[needed].status != 0) else {
                    let starter = starter.map_or_else(|| self.starter(index), Ok)?;
                    begun = Instant::now();
                    processes.insert(index, self.begin(starter, index, &done, &running, sender.clone())?);
                    continue;
                };
                let start = self.not_started(index, needed, done[&needed].status);
                tell(index, Told::Ended(&start));
                done.insert(index, start);
            }
            if running.is_empty() {
                all_of(leaving).await;
                return Ok(EndedStarts { starts: done, signal: caught });
            }
            let is_due = |index: &usize| caught.is_none() && !idle.contains_key(index);
            let soon = self.soon(&done, &processes).find(is_due);
            select! {
                biased;
                Some((index, waiting)) = waits.recv(), if caught.is_none() => {
                    // the last words of one and its end may have come at once
                    if processes.contains_key(&index) {
                        tell(index, Told::Waiting(&waiting));
                    }
                }
                Some((index, output)) = running.next() => {
                    processes.remove(&index);
                    let (ended, process) = output?;
                    leaving.push(end_of(process));
                    let start = ended.unwrap_or_else(|status| self.lost(index, status));
                    // after a signal one may have come up all the same
                    tell(index, if caught.is_none() { Told::Ended(&start) } else { Told::Interrupted(&start) });
                    done.insert(index, start);
                }
                signal = signals.next(), if caught.is_none() => {
                    for process in processes.values().flatten() {
                        process.signal(signal)?;
                    }
                    caught = Some(signal);
                }
                Some(()) = leaving.next() => {}
                Some(index) = sleep_until((begun + AHEAD).into()).map(|()| soon) => drop(idle.insert(index, self.starter(index).ok())),
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

    /// Returns those that are next once what is begun is up: their processes are made while that is waited for.
    fn soon(
        &self,
        done: &BTreeMap<usize, EndedStart>,
        running: &BTreeMap<usize, Option<Handle>>,
    ) -> impl Iterator<Item = usize> {
        let is_begun = |index: &usize| done.contains_key(index) || running.contains_key(index);
        let is_soon = move |index: &usize| !is_begun(index) && self.needs(*index).all(|needed| is_begun(&needed));
        (0..self.services.len()).filter(|_| !self.sequential).filter(is_soon)
    }

    /// Lists those that a service needs. Names are those of a folder.
    fn needs(&self, index: usize) -> impl Iterator<Item = usize> {
        let ServiceSpec { depends_on, folder, .. } = &self.services[index];
        let is_needed = move |service: &ServiceSpec| {
            service.folder == *folder && service.name.as_ref().is_some_and(|name| depends_on.contains(name))
        };
        self.services.iter().enumerate().filter(move |(_, service)| is_needed(service)).map(|(index, _)| index)
    }

    /// Describes a service with the ports of those that it needs, which are up.
    fn with_ports(&self, index: usize, done: &BTreeMap<usize, EndedStart>) -> ServiceSpec {
        let mut ports = self.ports.get(&index).cloned().unwrap_or_default();
        let is_beside = |other: usize| self.services[other].folder == self.services[index].folder;
        let beside = done.iter().filter(|(other, _)| is_beside(**other)).map(|(_, start)| &start.report.record);
        ports.extend(beside.filter_map(|record| Some((record.name.clone(), record.port?))));
        let service = self.services[index].replaced(&|name| ports.get(name).map(u16::to_string));
        let needed = self.all_needed(index);
        ports.retain(|name, _| needed.contains(name));
        ServiceSpec { other_ports: ports, ..service }
    }

    /// Lists the names of those that a service needs, directly or not.
    fn all_needed(&self, index: usize) -> BTreeSet<&String> {
        let (mut seen, mut left) = (BTreeSet::from([index]), vec![index]);
        while let Some(one) = left.pop() {
            left.extend(self.needs(one).filter(|needed| seen.insert(*needed)));
        }
        seen.into_iter().flat_map(|one| &self.services[one].depends_on).collect()
    }

    /// Makes the process that starts a service.
    fn starter(&self, index: usize) -> io::Result<Starter> {
        Starter::make(&self.services[index].name(), self.folder, self.environments.get(&index))
    }

    /// Begins to start a service.
    fn begin(
        &self,
        starter: Starter,
        index: usize,
        done: &BTreeMap<usize, EndedStart>,
        running: &Running<'_>,
        waits: UnboundedSender<(usize, Waiting)>,
    ) -> io::Result<Option<Handle>> {
        let service = self.with_ports(index, done);
        let told = move |waiting| drop(waits.send((index, waiting)));
        let (process, output) = starter.begin(&service, told)?;
        running.push(output.map(move |output| (index, output)).boxed_local());
        Ok(process)
    }

    fn not_up(&self, index: usize, why: String) -> StartRecord {
        let service = &self.services[index];
        let port = service.port.and_then(Ports::only);
        let folder = service.folder.as_ref().and_then(|folder| folder.canonicalize().ok());
        StartRecord::not_up(&service.name(), port, why).in_folder(folder.as_deref().unwrap_or(self.folder))
    }

    fn not_started(&self, index: usize, needed: usize, status: u8) -> EndedStart {
        let why = format!("not started: it needs {}, which is not up", self.services[needed].name());
        let record = self.not_up(index, why);
        EndedStart { report: StartReport::not_up(record, None), status }
    }

    /// Describes a start whose process ended without a word about it.
    fn lost(&self, index: usize, ended: ExitStatus) -> EndedStart {
        let status = ended.code().or(ended.signal().map(|signal| 128 + signal));
        let status = status.and_then(|status| u8::try_from(status).ok()).unwrap_or(u8::MAX);
        let why = format!("the process that starts it {}", End::from(ended));
        // to be up takes a word
        EndedStart { report: StartReport::not_up(self.not_up(index, why), None), status: status.max(1) }
    }
}

/// Waits for the end of a process that has said all that it says: the servers that it leaves come to this process then.
async fn end_of(mut process: Child) {
    // one that cannot be waited for is nobody's to wait for
    let _ = process.wait().await;
}

async fn all_of(mut leaving: FuturesUnordered<impl Future<Output = ()>>) {
    while leaving.next().await.is_some() {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ports_of_those_that_are_needed_are_found_in_a_dense_graph_and_in_one_folder() {
        let names: Vec<String> = (0..60).map(|number| format!("s{number}")).collect();
        let spec = |place: usize| ServiceSpec {
            name: Some(names[place].clone()),
            depends_on: names[..place].to_vec(),
            folder: Some("/shop".into()),
            ..ServiceSpec::default()
        };
        let elsewhere = ServiceSpec { folder: Some("/blog".into()), ..spec(3) };
        let services: Vec<ServiceSpec> = (0..60).map(spec).chain([elsewhere]).collect();
        let (environments, mut ports) = (BTreeMap::new(), BTreeMap::new());
        ports.insert(59, names.iter().map(|name| (name.clone(), 1)).collect());
        let several = Several {
            services: &services,
            folder: Path::new("/"),
            environments: &environments,
            sequential: false,
            takes_in: false,
            ports: &ports,
        };
        assert_eq!(several.with_ports(59, &BTreeMap::new()).other_ports.len(), 59);
        assert_eq!((several.needs(3).count(), several.needs(60).count()), (3, 0));
    }
}
