//! Staying with servers: attached to one, or while a command runs.

use std::{ffi::OsStr, io};

use ensure_up::{
    Ending, Folders, Life, Outcome, Record, Service,
    attach::foreground::{self, Attended},
    attach::then::{self, Needed, Then},
    stop::order,
};
use proc_tree::cli::{status::Exit, text};

use super::{status::Status, words};

/// Stays with a server that is up: while the command runs, else until it ends. Then stops what this call started.
pub(super) fn stay(
    then: Option<&OsStr>,
    service: &Service,
    folders: &Folders,
    outcome: &Outcome,
    server: Option<Life>,
) -> anyhow::Result<Exit> {
    let is_ours = outcome.action.is_start();
    let server = match (server, outcome.identity) {
        (Some(server), _) => server,
        // a server that is kept up comes and goes: its supervisor stays
        (None, Some(identity)) => {
            let supervisor = Record::read(folders, outcome.port).and_then(|record| record.running_supervisor());
            Life::watch(supervisor.unwrap_or(identity), false)?
        }
        (None, None) => anyhow::bail!("cannot watch a server whose owner is not visible"),
    };
    let mut needed = [Needed { name: outcome.name.clone(), life: server }];
    let exit = if let Some(command) = then {
        then::run(command, Some(outcome.port), service.spec.grace, &mut needed, &mut died).map(after_then)
    } else {
        let server = &mut needed[0].life;
        let attended = foreground::attend(service, server, is_ours, outcome.log.as_deref(), &mut io::stderr());
        attended.map(after_attended)
    };
    if is_ours {
        order::stop_started(service, folders, outcome.port, &needed[0].life)?;
    }
    Ok(exit?)
}

/// Tells of a server that ended while the command runs.
pub(super) fn died(name: &str, ending: Ending) {
    words::say(&format!("ensure-up: {} {ending} while the command runs", text::escape(name)));
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
        Attended::Ended(Ending::Exited(status)) => Exit::Code(u8::try_from(status).unwrap_or(u8::MAX)),
        Attended::Ended(Ending::Signalled(signal)) => {
            Exit::Code(u8::try_from(128 + signal.number()).unwrap_or(u8::MAX))
        }
        Attended::Ended(Ending::Unknown) => Status::Done.into(),
        Attended::Interrupted(signal) => Exit::Signal(signal),
    }
}
