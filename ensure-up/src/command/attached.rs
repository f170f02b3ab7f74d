//! Staying with servers: attached to one, or while a command runs.

use std::{ffi::OsStr, io};

use ensure_up::{
    End, Folders, Outcome, Record, ServerProcesses, Service,
    attach::foreground::{self, Attended},
    attach::then::{self, Needed, Then},
    stop,
};
use proc_tree::cli::{status::Exit, text};

use super::{status::Status, words};

/// Stays with a server that is up: while the command runs, else until it ends. Then stops what this call started.
pub(super) fn stay(
    then: Option<&OsStr>,
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
            let supervisor = Record::read(folders, outcome.port).and_then(|record| record.running_supervisor());
            ServerProcesses::watch(supervisor.unwrap_or(identity), false)?
        }
        (None, None) => anyhow::bail!("cannot watch a server whose owner is not visible"),
    };
    let mut needed = [Needed { name: outcome.name.clone(), processes: server }];
    let exit = if let Some(command) = then {
        then::run(command, Some(outcome.port), service.spec.grace, &mut needed, &mut died).map(after_then)
    } else {
        let server = &mut needed[0].processes;
        let attended = foreground::attend(service, server, is_ours, outcome.log.as_deref(), &mut io::stderr());
        attended.map(after_attended)
    };
    if is_ours {
        stop::server::stop_started(service, folders, outcome.port, &needed[0].processes)?;
    }
    Ok(exit?)
}

/// Tells of a server that ended while the command runs.
pub(super) fn died(name: &str, end: End) {
    words::say(&format!("ensure-up: {} {end} while the command runs", text::escape(name)));
}

/// A command's status is the tool's.
pub(super) fn after_then(ended: Then) -> Exit {
    match ended {
        Then::Ended(code) => Exit::Code(code),
        Then::Interrupted(signal) => Exit::Signal(signal),
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
