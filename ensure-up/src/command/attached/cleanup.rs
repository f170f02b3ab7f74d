//! What a call that stayed with servers does in the end: it stops what it started and nobody else needs.

use std::{cell::RefCell, collections::BTreeSet, io, os::fd::AsFd, pin::pin};

use ensure_up::{
    Failure, ServerProcesses, ServerRecord, StateFolder,
    attach::usage::{Left, Use},
    log::{merged::Merged, shown},
    stop::{
        self,
        killed::Killed,
        manner::Asked,
        several::{self, Event},
        whole::Wait,
    },
};
use proc_tree::cli::{status::Exit, text};

use super::{
    super::{arguments::Arguments, status::Status, stop as stops, stop_line::StopLine, words},
    server::Server,
};

/// The servers that are stopped in the end, and what is said of the others.
pub(super) struct Cleanup<'a> {
    arguments: &'a Arguments,
    state_folder: &'a StateFolder,
    /// Whether it is said what is stopped.
    is_told: bool,
    stopping: Vec<Stopping>,
    uses: Vec<Use>,
    said: Vec<String>,
}

/// A server that is to be stopped.
struct Stopping {
    server: Server,
    processes: ServerProcesses,
    /// What is known of it by now.
    record: ServerRecord,
    /// Whether it has ended by itself.
    has_ended: bool,
}

impl Stopping {
    fn stop(&self, state_folder: &StateFolder, wait: Wait<'_>) -> Result<Killed, Failure> {
        match &self.server.own {
            Some((service, manner)) => {
                stop::server::stop_started(state_folder, service, self.server.port, &self.processes, *manner)
            }
            None => stop::server::stop(state_folder, self.record.clone(), Asked::default(), wait)
                .map(|stopped| stopped.killed),
        }
    }
}

impl<'a> Cleanup<'a> {
    pub(super) fn of(arguments: &'a Arguments, state_folder: &'a StateFolder, is_told: bool) -> Self {
        Self { arguments, state_folder, is_told, stopping: Vec::new(), uses: Vec::new(), said: Vec::new() }
    }

    /// Takes in a server: it is to be stopped, or goes on.
    pub(super) fn add(&mut self, mut server: Server, processes: ServerProcesses, has_ended: bool) {
        let (name, usage) = (text::escape(&server.name).into_owned(), server.usage.take());
        let now = ServerRecord::read(self.state_folder, &server.service, server.port).ok().flatten();
        let is_ours = server.is_still_ours(now.as_ref());
        let is_foreground = self.arguments.then.is_none();
        let left = match usage {
            Some(usage) => match usage.end(now.as_ref(), is_ours) {
                // who asked for it meanwhile has taken it as it was: this call's
                Left::Wanted if is_ours && is_foreground => Left::Unused,
                left => left,
            },
            None if is_ours => Left::Unused,
            None => Left::Wanted,
        };
        match left {
            Left::Stop(usage) => self.uses.push(usage),
            Left::Unused => {}
            Left::Used => {
                let by =
                    if is_foreground { "a --then uses it, and stops it in the end" } else { "another --then uses it" };
                self.said.push(format!("{name} goes on: {by}"));
                return;
            }
            Left::Wanted => {
                let why = if is_ours { "it was asked for without --then meanwhile" } else { "it was up before" };
                let is_news = is_ours || (self.is_told && self.arguments.then.is_none());
                self.said.extend(is_news.then(|| format!("{name} goes on: {why}")));
                return;
            }
        }
        let expected = server.own.as_ref().map(|(service, _)| ServerRecord::expected(service));
        let record = now.or(server.record.take()).or(expected);
        self.stopping.extend(record.map(|record| Stopping { server, processes, record, has_ended }));
    }

    /// Stops those that are to be stopped, dependents first; meanwhile the logs go on.
    pub(super) fn stop(mut self, exit: Result<Exit, Failure>, mut logs: Merged) -> anyhow::Result<Exit> {
        let stopping = &self.stopping;
        let records: Vec<&ServerRecord> = stopping.iter().map(|one| &one.record).collect();
        let stop = |index: usize, wait: Wait<'_>| stopping[index].stop(self.state_folder, wait);
        let (mut line, mut stopped, mut exit) = (StopLine::of(self.arguments), Vec::new(), Some(exit));
        let (err, left) = (io::stderr(), RefCell::new((0..stopping.len()).collect::<BTreeSet<_>>()));
        let mut told = |event: Event<Result<Killed, Failure>>| match event {
            Event::Awaited(index, words) => line.draw(index, words),
            Event::Ended(index, result) => {
                line.over(index);
                left.borrow_mut().remove(&index);
                let Stopping { record, has_ended, .. } = &stopping[index];
                stopped.extend((result.is_ok() && !has_ended).then(|| text::escape(&record.name).into_owned()));
                exit = exit.take().map(|exit| after_stop(self.arguments, &record.name, result, exit));
            }
        };
        let signal = {
            let beside = pin!(shown::show(&mut logs, err.as_fd()));
            several::stop(&records, false, beside, &stop, &mut told)
        };
        // where they could not be stopped at once, one after the other
        for index in left.take().into_iter().rev() {
            told(Event::Ended(index, stop(index, Wait::Whole)));
        }
        self.said.extend((self.is_told && !stopped.is_empty()).then(|| format!("stopped {}", stopped.join(", "))));
        self.said.retain(|_| !self.arguments.common.quiet);
        // whoever does not read must not hold up the end
        shown::rest(&mut logs, err.as_fd(), &self.said);
        signal?;
        Ok(exit.unwrap_or(Ok(Status::Done.into()))?)
    }
}

/// Tells what came of a stop. One that left something is no success, whatever else was.
pub(super) fn after_stop(
    arguments: &Arguments,
    name: &str,
    stopped: Result<Killed, Failure>,
    exit: Result<Exit, Failure>,
) -> Result<Exit, Failure> {
    match stopped {
        Ok(killed) => stops::killed(arguments, name, &killed),
        Err(failure) => {
            words::say(&format!("ensure-up: {}", text::failure(&failure)));
            return exit.map(|exit| if exit == Status::Done.into() { Status::Failed.into() } else { exit });
        }
    }
    exit
}
