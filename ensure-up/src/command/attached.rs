//! Staying with servers: attached to them, or while a command runs. In the end those are stopped that this call started.

use std::{
    ffi::OsStr,
    io::{self, IsTerminal},
    os::fd::AsFd,
    path::PathBuf,
    pin::pin,
    time::Duration,
};

use ensure_up::{
    End, Failure, Folders, Outcome, Port, Ports, ServerProcesses, ServerRecord, Service, ServiceId, ServiceSpec,
    attach::{
        foreground::{self, Attended},
        ready,
        then::{self, Then},
        usage::{self, Left, Use},
    },
    log::{
        head::heads,
        last,
        merged::{Begin, Merged},
        shown,
    },
    report::start_record::StartRecord,
    service::variable,
    stop::{
        self,
        several::{self, Event},
        whole::{Killed, Manner, Wait},
    },
};
use proc_tree::{
    Signal,
    cli::{status::Exit, text},
};

use super::{arguments::Arguments, status::Status, stop::Waiting, words};

/// What this call has to do with a server that is up.
#[derive(Debug, Default)]
pub(super) struct Settled {
    record: Option<ServerRecord>,
    usage: Option<Use>,
}

/// Begins to use a service's server before it is up, where its port is known: who wants it up beside this call's command sees
/// that there is one.
pub(super) fn begin(arguments: &Arguments, service: &Service) -> Result<Option<Use>, Failure> {
    if arguments.then.is_none() || service.has_range() {
        return Ok(None);
    }
    Use::begin(&Folders::find()?, &service.id, service.port()).map(Some)
}

/// Notes what this call has to do with a server that is up: it uses it while its command runs, or wants it up. `None` when
/// somebody has stopped it meanwhile, whose command was the last that used it.
pub(super) fn settle(
    arguments: &Arguments,
    folders: &Folders,
    service: &ServiceId,
    port: Option<Port>,
    is_ours: bool,
    begun: Option<Use>,
) -> Result<Option<Settled>, Failure> {
    let is_for_a_command = arguments.then.is_some();
    let noted = is_for_a_command || usage::is_known(folders, service, port);
    if arguments.detaches() && !noted {
        return Ok(Some(Settled::default()));
    }
    let begun = match begun {
        None if noted => Some(Use::begin(folders, service, port)?),
        begun => begun,
    };
    let record = ServerRecord::read(folders, service, port).map_err(|source| Failure::State {
        what: "read the record in",
        path: folders.runtime.clone(),
        source,
    })?;
    if record.as_ref().is_some_and(|record| record.once) {
        // a job is over: there is nothing that could be stopped
        return Ok(Some(Settled { record, usage: None }));
    }
    let is_gone = |record: &ServerRecord| !record.is_up().unwrap_or(true);
    if !is_ours && record.as_ref().is_some_and(is_gone) {
        return Ok(None);
    }
    let server = record.as_ref().map(|record| record.supervisor.unwrap_or(record.identity()));
    let mut settled = Settled { record, usage: begun };
    if let (Some(usage), Some(server)) = (&mut settled.usage, server) {
        if !is_for_a_command {
            usage.wanted(server)?;
        } else if is_ours {
            usage.started(server)?;
        }
    }
    settled.usage = settled.usage.filter(|_| is_for_a_command);
    Ok(Some(settled))
}

/// The uses of several services' servers that were begun before these are up.
#[derive(Debug)]
pub(super) struct Uses(Vec<Option<Use>>);

impl Uses {
    /// What cannot run is not used: that is told when it is started.
    pub(super) fn begin(arguments: &Arguments, services: &[ServiceSpec]) -> Result<Self, Failure> {
        if arguments.then.is_none() {
            return Ok(Self(Vec::new()));
        }
        let resolved = services.iter().map(|spec| super::usage::resolve(spec.clone()).ok());
        resolved
            .map(|service| service.map_or(Ok(None), |service| begin(arguments, &service)))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    pub(super) fn take(&mut self, index: usize) -> Option<Use> {
        self.0.get_mut(index).and_then(Option::take)
    }
}

/// A server that this call stays with.
#[derive(Debug)]
struct Server {
    name: String,
    service: ServiceId,
    port: Option<Port>,
    log: Option<PathBuf>,
    is_ours: bool,
    /// What was recorded of it when it was up.
    record: Option<ServerRecord>,
    /// How one is stopped that this process has started itself.
    own: Option<(Service, Manner)>,
    usage: Option<Use>,
}

/// The servers that this call stays with.
pub(super) struct Staying<'a> {
    arguments: &'a Arguments,
    folders: &'a Folders,
    servers: Vec<Server>,
    /// Their processes, in the same order.
    processes: Vec<ServerProcesses>,
    /// Jobs are over: of them there is but a log.
    jobs: Vec<(String, PathBuf)>,
    /// What the command is told of ports.
    variables: Vec<(String, String)>,
}

impl<'a> Staying<'a> {
    pub(super) fn new(arguments: &'a Arguments, folders: &'a Folders) -> Self {
        Self { arguments, folders, servers: Vec::new(), processes: Vec::new(), jobs: Vec::new(), variables: Vec::new() }
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
        let is_ours = outcome.action.is_start();
        let processes = match (server, &settled.record, outcome.identity) {
            (Some(server), ..) => server,
            (None, Some(record), _) => ServerProcesses::recorded(record, false)?,
            (None, None, Some(identity)) => ServerProcesses::watch(identity, false)?,
            (None, None, None) => anyhow::bail!("cannot watch a server whose owner is not visible"),
        };
        let server = Server {
            name: outcome.name.clone(),
            service: service.id.clone(),
            port: outcome.port,
            log: outcome.log.clone(),
            is_ours,
            record: settled.record,
            own: is_ours.then(|| (service.clone(), Manner::of(service))),
            usage: settled.usage,
        };
        self.watch(server, processes);
        Ok(())
    }

    /// Adds a server that another process saw to; tells whether it is still up.
    pub(super) fn add_reported(
        &mut self,
        spec: &ServiceSpec,
        report: &StartRecord,
        is_ours: bool,
        begun: Option<Use>,
    ) -> anyhow::Result<bool> {
        let like = spec.port.map(Ports::first);
        let port = report.port.map(|number| like.map_or(Port::tcp(number), |like| Port { number, ..like }));
        let folder = report.folder.as_ref().map(PathBuf::from).unwrap_or_default();
        let service = ServiceId { folder, name: spec.name.clone() };
        let Some(settled) = settle(self.arguments, self.folders, &service, port, is_ours, begun)? else {
            return Ok(false);
        };
        let is_asked_for = self.arguments.names.as_slice() == [report.name.as_str()];
        self.tell_port(spec.name.as_deref(), port, is_asked_for);
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
        let server = Server {
            name: report.name.clone(),
            service,
            port,
            log: report.log.as_ref().map(PathBuf::from),
            is_ours,
            record: settled.record,
            own: None,
            usage: settled.usage,
        };
        self.watch(server, processes);
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
        let is_interrupted = matches!(exit, Ok(Exit::Signal(_)));
        self.end(exit, ended, is_interrupted || ended.is_some(), logs)
    }

    /// Ends before it has begun: not all of them came up.
    pub(super) fn give_up(self, exit: Exit) -> anyhow::Result<Exit> {
        self.end(Ok(exit), None, true, Merged::default())
    }

    /// The logs: of what was started here from the first line on, of what was there before with what comes.
    fn logs(&self) -> Merged {
        let mut logs = Merged::default();
        let jobs = self.jobs.iter().map(|(name, log)| (name, Some(log), Begin::First));
        let begin = |server: &Server| if server.is_ours { Begin::First } else { Begin::End };
        let servers = self.servers.iter().map(|server| (&server.name, server.log.as_ref(), begin(server)));
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
                show_end(server);
            }
        };
        match then::run(command, variables, grace, processes, logs, &mut died)? {
            Then::Ended(code) => {
                let alive = servers.iter().enumerate().filter(|(place, _)| !dead.contains(place));
                // what came over the terminal is not repeated
                for (_, server) in alive.filter(|_| code != 0 && !arguments.foreground && !arguments.common.quiet) {
                    show_end(server);
                }
                Ok(Exit::Code(code))
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
                    let record = ServerRecord::read(self.folders, service, *port).ok().flatten();
                    let why =
                        record.and_then(|record| record.reason).map_or_else(String::new, |why| format!(": {why}"));
                    words::say(&format!("ensure-up: {} {end}{}", text::escape(name), text::escape(&why)));
                }
                (status_of(end), Some(place))
            }
        })
    }

    /// Stops what this call started and nobody else needs, dependents first, and says so where that is `told`.
    fn end(
        self,
        exit: Result<Exit, Failure>,
        ended: Option<usize>,
        is_told: bool,
        mut logs: Merged,
    ) -> anyhow::Result<Exit> {
        let Self { arguments, folders, servers, processes, .. } = self;
        let (mut stopping, mut uses, mut said) = (Vec::new(), Vec::new(), Vec::new());
        for (place, mut server) in servers.into_iter().enumerate() {
            let (name, usage) = (text::escape(&server.name).into_owned(), server.usage.take());
            let now = ServerRecord::read(folders, &server.service, server.port).ok().flatten();
            let is_ours = server.is_ours && (server.own.is_some() || is_same(server.record.as_ref(), now.as_ref()));
            let left = match usage {
                Some(usage) => usage.end(now.as_ref(), is_ours),
                None => {
                    if is_ours {
                        Left::Unused
                    } else {
                        Left::Wanted
                    }
                }
            };
            match left {
                Left::Stop(usage) => uses.push(usage),
                Left::Unused => {}
                Left::Used => {
                    said.push(format!("{name} goes on: another --then uses it"));
                    continue;
                }
                Left::Wanted => {
                    let why = if is_ours { "it was asked for without --then meanwhile" } else { "it was up before" };
                    let is_news = is_ours || (is_told && arguments.then.is_none());
                    said.extend(is_news.then(|| format!("{name} goes on: {why}")));
                    continue;
                }
            }
            let expected = server.own.as_ref().map(|(service, _)| ServerRecord::expected(service));
            let record = now.or(server.record.take()).or(expected);
            stopping.extend(record.map(|record| (place, record, server)));
        }
        let records: Vec<&ServerRecord> = stopping.iter().map(|(_, record, _)| record).collect();
        let stop = |index: usize, wait: Wait<'_>| {
            let (place, record, server) = &stopping[index];
            match &server.own {
                Some((service, manner)) => {
                    stop::server::stop_started(folders, service, server.port, &processes[*place], *manner)
                }
                None => stop::server::stop(folders, record.clone(), wait).map(|stopped| stopped.killed),
            }
        };
        let (mut line, mut stopped, mut exit) = (Waiting::new(arguments), Vec::new(), Some(exit));
        let err = io::stderr();
        let signal = {
            let beside = pin!(shown::show(&mut logs, err.as_fd()));
            several::stop(&records, false, beside, &stop, &mut |event| match event {
                Event::Awaited(index, words) => line.draw(index, words),
                Event::Ended(index, result) => {
                    line.over(index);
                    let (place, record, _) = &stopping[index];
                    stopped.extend(
                        (result.is_ok() && ended != Some(*place)).then(|| text::escape(&record.name).into_owned()),
                    );
                    exit = exit.take().map(|exit| after_stop(arguments, &record.name, result, exit));
                }
            })
        };
        said.extend((is_told && !stopped.is_empty()).then(|| format!("stopped {}", stopped.join(", "))));
        said.retain(|_| !arguments.common.quiet);
        // whoever does not read must not hold up the end
        shown::rest(&mut logs, err.as_fd(), &said);
        signal?;
        drop(uses);
        Ok(exit.unwrap_or(Ok(Status::Done.into()))?)
    }
}

/// Tells whether both records are of the same server, whatever its supervisor has started since.
fn is_same(before: Option<&ServerRecord>, now: Option<&ServerRecord>) -> bool {
    let (Some(before), Some(now)) = (before, now) else { return before.is_some() };
    let is_kept_up = before.supervisor.is_some() && before.supervisor == now.supervisor;
    is_kept_up || now.is_any_of(&[&[before.identity()], before.holders.as_slice()].concat())
}

/// Shows the end of a server's log.
fn show_end(server: &Server) {
    let lines = server.log.as_ref().map(|log| last::lines(log, last::SHOWN)).unwrap_or_default();
    if !lines.is_empty() {
        let name = text::escape(&server.name);
        let port = server.port.map(|port| port.to_string());
        let handle = server.service.name.clone().or(port).unwrap_or_else(|| server.name.clone());
        words::say(&format!("{name}: the end of its log (ensure-up --logs {}):", text::escape(&handle)));
        for line in lines {
            words::say(&format!("  {}", text::escape(&line)));
        }
    }
}

/// Tells what came of a stop. One that left something is no success, whatever else was.
fn after_stop(
    arguments: &Arguments,
    name: &str,
    stopped: Result<Killed, Failure>,
    exit: Result<Exit, Failure>,
) -> Result<Exit, Failure> {
    match stopped {
        Ok(killed) => super::stop::killed(arguments, name, &killed),
        Err(failure) => {
            words::say(&format!("ensure-up: {}", text::failure(&failure)));
            return exit.map(|exit| if exit == Status::Done.into() { Status::Failed.into() } else { exit });
        }
    }
    exit
}

/// A server's status is the tool's.
fn status_of(end: End) -> Exit {
    match end {
        End::Exited(status) => Exit::Code(u8::try_from(status).unwrap_or(u8::MAX)),
        End::Signalled(signal) => Exit::Code(u8::try_from(128 + signal.number()).unwrap_or(u8::MAX)),
        End::Unknown => Status::Done.into(),
    }
}
