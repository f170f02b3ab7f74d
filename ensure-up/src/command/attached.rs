//! Staying with servers: attached to one, or while a command runs.

use std::{future::pending, io, os::fd::AsFd, pin::pin};

use ensure_up::{
    End, Failure, Folders, Outcome, ServerProcesses, ServerRecord, Service,
    attach::foreground::{self, Attended},
    attach::then::{self, Needed, Then},
    log::merged::{Begin, Merged},
    stop::{
        self,
        several::{self, Event},
        whole::{Killed, Manner, Wait},
    },
};
use proc_tree::cli::{status::Exit, text};

use super::{arguments::Arguments, status::Status, stop::Waiting, words};

/// Stays with a server that is up: while the command runs, else until it ends. Then stops what this call started.
pub(super) fn stay(
    arguments: &Arguments,
    service: &Service,
    folders: &Folders,
    outcome: &Outcome,
    server: Option<ServerProcesses>,
) -> anyhow::Result<Exit> {
    if service.spec.once {
        return after_job(arguments, service, outcome);
    }
    let is_ours = outcome.action.is_start();
    let server = match (server, outcome.identity) {
        (Some(server), _) => server,
        // a server that is kept up comes and goes: its supervisor stays
        (None, Some(identity)) => {
            let record = ServerRecord::read(folders, &service.id, outcome.port)?;
            let supervisor = record.map(|record| record.running_supervisor()).transpose()?.flatten();
            ServerProcesses::watch(supervisor.unwrap_or(identity), false)?
        }
        (None, None) => anyhow::bail!("cannot watch a server whose owner is not visible"),
    };
    let mut needed = [Needed { name: outcome.name.clone(), processes: server }];
    let mut manner = Manner::of(service);
    let exit = if let Some(command) = &arguments.then {
        let ran = then::run(command, outcome.port, service.spec.grace, &mut needed, &mut died);
        after_then(arguments, ran)
    } else {
        let server = &mut needed[0].processes;
        let attended = foreground::attend(server, is_ours, outcome.log.as_deref(), io::stderr().as_fd());
        if let Ok(Attended::Interrupted(signal)) = attended {
            manner.signal = Some(signal);
        }
        attended.map(after_attended)
    };
    if !is_ours {
        return Ok(exit?);
    }
    let stopped = stop::server::stop_started(folders, service, outcome.port, &needed[0].processes, manner);
    Ok(after_stop(arguments, &outcome.name, stopped, exit)?)
}

/// A job has ended: there is nothing to stay with, and nothing to stop.
fn after_job(arguments: &Arguments, service: &Service, outcome: &Outcome) -> anyhow::Result<Exit> {
    if let Some(command) = &arguments.then {
        return Ok(after_then(arguments, then::run(command, None, service.spec.grace, &mut [], &mut died))?);
    }
    if let Some(log) = &outcome.log {
        // a closed stderr ends nothing
        let mut logs = Merged::default();
        logs.add(log, Begin::First, None);
        let _ = logs.finish(&mut io::stderr());
    }
    Ok(Status::Done.into())
}

/// Tells what came of a stop. One that left something is no success, whatever else was.
pub(super) fn after_stop(
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

/// Stops servers that this call started, dependents first. One that cannot be stopped keeps no other one up.
pub(super) fn stop_all(
    arguments: &Arguments,
    folders: &Folders,
    servers: &[ServerRecord],
    exit: Result<Exit, Failure>,
) -> Result<Exit, Failure> {
    let records: Vec<&ServerRecord> = servers.iter().collect();
    let stop = |index: usize, wait: Wait<'_>| stop::server::stop(folders, servers[index].clone(), wait);
    let mut line = Waiting::new(arguments);
    let mut exit = Some(exit);
    let beside = pin!(pending());
    several::stop(&records, false, beside, &stop, &mut |event| match event {
        Event::Awaited(index, words) => line.draw(index, words),
        Event::Ended(index, stopped) => {
            line.over(index);
            let stopped = stopped.map(|stopped| stopped.killed);
            exit = exit.take().map(|exit| after_stop(arguments, &servers[index].name, stopped, exit));
        }
    })?;
    exit.unwrap_or(Ok(Status::Done.into()))
}

/// Tells of a server that ended while the command runs.
pub(super) fn died(name: &str, end: End) {
    words::say(&format!("ensure-up: {} {end} while the command runs", text::escape(name)));
}

/// A command's status is the tool's.
pub(super) fn after_then(arguments: &Arguments, ran: Result<Then, Failure>) -> Result<Exit, Failure> {
    match ran? {
        Then::Ended(code) => Ok(Exit::Code(code)),
        Then::Interrupted { signal, command } => after_stop(arguments, "--then", command, Ok(Exit::Signal(signal))),
    }
}

/// A server's status is the tool's.
fn after_attended(attended: Attended) -> Exit {
    match attended {
        Attended::Ended(End::Exited(status)) => Exit::Code(u8::try_from(status).unwrap_or(u8::MAX)),
        Attended::Ended(End::Signalled(signal)) => Exit::Code(u8::try_from(128 + signal.number()).unwrap_or(u8::MAX)),
        Attended::Ended(End::Unknown) => Status::Done.into(),
        Attended::Interrupted(signal) => Exit::Signal(signal),
    }
}
