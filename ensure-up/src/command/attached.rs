//! Staying with servers: attached to them, or while a command runs. In the end those are stopped that this call started.

mod begun;
mod cleanup;
mod server;
mod settled;

use std::{
    ffi::OsStr,
    io::{self, IsTerminal},
    os::fd::AsFd,
    path::PathBuf,
    time::Duration,
};

use ensure_up::{
    End, Failure, Outcome, Port, ServerProcesses, ServerRecord, Service, ServiceId, ServiceSpec, StateFolder,
    attach::{
        foreground::{self, Attended},
        ready,
        then::{self, Then},
        usage::Use,
    },
    log::{
        head::heads,
        merged::{Begin, Merged},
        shown,
    },
    report::start_record::StartRecord,
    service::variable,
};
use proc_tree::{
    Signal,
    cli::{status::Exit, text},
};

use super::{arguments::Arguments, status::Status, words};
pub(super) use begun::Begun;
use cleanup::{Cleanup, after_stop};
use server::Server;
pub(super) use settled::{Settled, Uses, begin, settle};

/// The servers that this call stays with.
pub(super) struct Staying<'a> {
    arguments: &'a Arguments,
    state_folder: &'a StateFolder,
    begun: Begun,
    servers: Vec<Server>,
    /// Their processes, in the same order.
    processes: Vec<ServerProcesses>,
    /// Jobs are over: of them there is but a log.
    jobs: Vec<(String, PathBuf)>,
    /// What the command is told of ports.
    variables: Vec<(String, String)>,
}

impl<'a> Staying<'a> {
    pub(super) fn new(arguments: &'a Arguments, state_folder: &'a StateFolder, begun: Begun) -> Self {
        Self {
            arguments,
            state_folder,
            begun,
            servers: Vec::new(),
            processes: Vec::new(),
            jobs: Vec::new(),
            variables: Vec::new(),
        }
    }

    /// Adds the server that this process saw to.
    pub(super) fn add(
        &mut self,
        service: &Service,
        outcome: &Outcome,
        server: Option<ServerProcesses>,
        settled: Settled,
    ) -> anyhow::Result<()> {
        self.tell_port(service.id.name.as_deref(), outcome.port, true);
        if service.spec.once {
            self.jobs.extend(outcome.log.clone().map(|log| (outcome.name.clone(), log)));
            return Ok(());
        }
        let processes = match (server, &settled.record, outcome.identity) {
            (Some(server), ..) => server,
            (None, Some(record), _) => ServerProcesses::recorded(record, false)?,
            (None, None, Some(identity)) => ServerProcesses::watch(identity, false)?,
            (None, None, None) => anyhow::bail!("cannot watch a server whose owner is not visible"),
        };
        self.watch(Server::seen_to(service, outcome, settled), processes);
        Ok(())
    }

    /// Adds a server that another process saw to, and that may be the one that is meant; tells whether it is still up.
    pub(super) fn add_reported(
        &mut self,
        spec: &ServiceSpec,
        report: &StartRecord,
        is_the_one: bool,
        is_ours: bool,
        begun: Option<Use>,
    ) -> anyhow::Result<bool> {
        let port = report.port.map(|number| spec.port_at(number));
        let folder = report.folder.as_ref().map(PathBuf::from).unwrap_or_default();
        let service = ServiceId { folder, name: spec.name.clone() };
        let Some(settled) = settle(self.arguments, self.state_folder, &service, port, is_ours, begun)? else {
            return Ok(false);
        };
        self.tell_port(spec.name.as_deref(), port, is_the_one);
        if self.arguments.detaches() {
            return Ok(true);
        }
        if spec.once {
            let log = report.log.as_ref().filter(|_| is_ours).map(PathBuf::from);
            self.jobs.extend(log.map(|log| (report.name.clone(), log)));
            return Ok(true);
        }
        let processes = match (&settled.record, report.process()) {
            (Some(record), _) => ServerProcesses::recorded(record, is_ours)?,
            (None, Some(process)) => ServerProcesses::watch(process, false)?,
            // its owner is not visible
            (None, None) => return Ok(true),
        };
        self.watch(Server::reported(service, port, report, is_ours, settled), processes);
        Ok(true)
    }

    fn watch(&mut self, server: Server, processes: ServerProcesses) {
        self.servers.push(server);
        self.processes.push(processes);
    }

    fn tell_port(&mut self, name: Option<&str>, port: Option<Port>, is_the_one: bool) {
        let Some(port) = port.map(|port| port.number.to_string()) else { return };
        self.variables.extend(is_the_one.then(|| ("PORT".to_owned(), port.clone())));
        self.variables.extend(name.map(|name| (variable::of_port(name), port)));
    }

    /// Stays: while the command runs, else until a server ends or this call is asked to end. Then stops what it started.
    pub(super) fn stay(mut self, grace: Duration) -> anyhow::Result<Exit> {
        let mut logs = if self.arguments.foreground { self.logs() } else { Merged::default() };
        let (exit, ended) = match &self.arguments.then {
            Some(command) => (self.run(command, grace, &mut logs), None),
            None if self.servers.is_empty() => (Ok(Status::Done.into()), None),
            None => match self.attend(&mut logs) {
                Ok((exit, ended)) => (Ok(exit), ended),
                Err(failure) => (Err(failure), None),
            },
        };
        // after a command that did its work there is nothing to say
        let is_told = self.arguments.then.is_some() && exit.as_ref().is_ok_and(|exit| *exit != Status::Done.into());
        let is_interrupted = matches!(exit, Ok(Exit::Signal(_)));
        self.end(exit, ended, is_told || is_interrupted || ended.is_some(), logs)
    }

    /// Ends before it has begun: not all of them came up.
    pub(super) fn give_up(self, exit: Exit) -> anyhow::Result<Exit> {
        self.end(Ok(exit), None, true, Merged::default())
    }

    /// The logs: of what was started here from the first line on, of what was there before with what comes.
    fn logs(&self) -> Merged {
        let mut logs = Merged::default();
        let jobs = self.jobs.iter().map(|(name, log)| (name, Some(log), Begin::First));
        let servers = self.servers.iter().map(|server| (&server.name, server.log.as_ref(), server.begin()));
        let all: Vec<_> = jobs.chain(servers).collect();
        let names: Vec<&String> = all.iter().map(|(name, ..)| *name).collect();
        for ((_, log, begin), head) in all.iter().zip(heads(&names, &self.arguments.look())) {
            if let Some(log) = log {
                logs.add(log, *begin, head);
            }
        }
        logs
    }

    fn run(&mut self, command: &OsStr, grace: Duration, logs: &mut Merged) -> Result<Exit, Failure> {
        let Self { arguments, servers, processes, variables, .. } = self;
        let mut dead = Vec::new();
        let mut died = |place: usize, end: End| {
            let server = &servers[place];
            dead.push(place);
            words::say(&format!("ensure-up: {} {end} while the command runs", text::escape(&server.name)));
            if !arguments.foreground {
                server.show_end();
            }
        };
        match then::run(command, variables, grace, processes, logs, &mut died)? {
            Then::Ended(end) => {
                if end != End::Exited(0) && !arguments.common.quiet {
                    words::say(&format!("ensure-up: {} {end}", shown_command(command)));
                    let alive = servers.iter().enumerate().filter(|(place, _)| !dead.contains(place));
                    // what came over the terminal is not repeated
                    alive.filter(|_| !arguments.foreground).for_each(|(_, server)| server.show_end());
                }
                Ok(status_of(end))
            }
            Then::Interrupted { signal, command } => after_stop(arguments, "--then", command, Ok(Exit::Signal(signal))),
        }
    }

    fn attend(&mut self, logs: &mut Merged) -> Result<(Exit, Option<usize>), Failure> {
        ready::tell("READY=1");
        let attended = foreground::attend(&mut self.processes, logs, io::stderr().as_fd())?;
        ready::tell("STOPPING=1");
        Ok(match attended {
            Attended::Interrupted(signal) => {
                // the terminal shows ^C, and no end of a line behind it
                if signal == Signal::INT && io::stderr().is_terminal() {
                    words::say("");
                }
                for (_, manner) in self.servers.iter_mut().filter_map(|server| server.own.as_mut()) {
                    manner.signal = Some(signal);
                }
                (Exit::Signal(signal), None)
            }
            Attended::Ended(place, end) => {
                shown::rest(logs, io::stderr().as_fd(), &[]);
                if self.servers.len() > 1 {
                    let Server { name, service, port, .. } = &self.servers[place];
                    let record = ServerRecord::read(self.state_folder, service, *port).ok().flatten();
                    let why =
                        record.and_then(|record| record.reason).map_or_else(String::new, |why| format!(": {why}"));
                    words::say(&format!("ensure-up: {} {end}{}", text::escape(name), text::escape(&why)));
                }
                (status_of(end), Some(place))
            }
        })
    }

    /// Stops what this call started and nobody else needs, and says so where that is `told`.
    fn end(
        mut self,
        exit: Result<Exit, Failure>,
        ended: Option<usize>,
        is_told: bool,
        logs: Merged,
    ) -> anyhow::Result<Exit> {
        self.begun.release();
        let mut cleanup = Cleanup::of(self.arguments, self.state_folder, is_told);
        for (place, (server, processes)) in self.servers.into_iter().zip(self.processes).enumerate() {
            cleanup.add(server, processes, ended == Some(place));
        }
        cleanup.stop(exit, logs)
    }
}

/// Shows the command of `--then`, which can be a whole script.
fn shown_command(command: &OsStr) -> String {
    const ENOUGH: usize = 60;
    format!("\"{}\"", text::cut(&text::escape(&command.to_string_lossy()), ENOUGH))
}

/// The status of a server, or of the command that was waited for, is the tool's.
fn status_of(end: End) -> Exit {
    match end {
        End::Exited(status) => Exit::Code(u8::try_from(status).unwrap_or(u8::MAX)),
        End::Signalled(signal) => Exit::Code(u8::try_from(128 + signal.number()).unwrap_or(u8::MAX)),
        End::Unknown => Status::Done.into(),
    }
}
