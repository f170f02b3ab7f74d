//! Staying with servers: attached to one, or while a command runs.

use std::{io, os::fd::AsFd};

use ensure_up::{
    End, Failure, Folders, Outcome, ServerProcesses, ServerRecord, Service,
    attach::foreground::{self, Attended},
    attach::then::{self, Needed, Then},
    stop::{
        self,
        whole::{Killed, Manner},
    },
};
use proc_tree::cli::{status::Exit, text};

use super::{arguments::Arguments, status::Status, words};

/// Stays with a server that is up: while the command runs, else until it ends. Then stops what this call started.
pub(super) fn stay(
    arguments: &Arguments,
    service: &Service,
    folders: &Folders,
    outcome: &Outcome,
    server: Option<ServerProcesses>,
) -> anyhow::Result<Exit> {
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
    Ok(after_stop(arguments, stopped, exit)?)
}

/// Tells what came of a stop. One that left something is no success, whatever else was.
pub(super) fn after_stop(
    arguments: &Arguments,
    stopped: Result<Killed, Failure>,
    exit: Result<Exit, Failure>,
) -> Result<Exit, Failure> {
    match stopped {
        Ok(killed) => killed.lines.iter().for_each(|line| arguments.note(line)),
        Err(failure) => {
            words::say(&format!("ensure-up: {}", text::failure(&failure)));
            return exit.map(|exit| if exit == Status::Done.into() { Status::Failed.into() } else { exit });
        }
    }
    exit
}

/// Tells of a server that ended while the command runs.
pub(super) fn died(name: &str, end: End) {
    words::say(&format!("ensure-up: {} {end} while the command runs", text::escape(name)));
}

/// A command's status is the tool's.
pub(super) fn after_then(arguments: &Arguments, ran: Result<Then, Failure>) -> Result<Exit, Failure> {
    match ran? {
        Then::Ended(code) => Ok(Exit::Code(code)),
        Then::Interrupted { signal, command } => after_stop(arguments, command, Ok(Exit::Signal(signal))),
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
