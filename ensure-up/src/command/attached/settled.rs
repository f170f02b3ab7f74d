//! What a call has to do with a server that is up: it started it, uses it while its command runs, or wants it up.

use ensure_up::{
    Failure, Port, ServerRecord, Service, ServiceId, ServiceSpec, StateFolder,
    attach::usage::{self, Use},
};

use super::super::{arguments::Arguments, usage::resolve};

/// What this call has to do with a server that is up.
#[derive(Debug, Default)]
pub(in crate::command) struct Settled {
    pub(super) record: Option<ServerRecord>,
    pub(super) usage: Option<Use>,
}

/// Begins to use a service's server before it is up, where its port is known: who wants it up beside this call's command sees
/// that there is one.
pub(in crate::command) fn begin(arguments: &Arguments, service: &Service) -> Result<Option<Use>, Failure> {
    if arguments.then.is_none() || service.has_range() {
        return Ok(None);
    }
    Use::begin(&StateFolder::find()?, &service.id, service.port()).map(Some)
}

/// Notes what this call has to do with a server that is up: it uses it while its command runs, or wants it up. `None` when
/// somebody has stopped it meanwhile, whose command was the last that used it.
pub(in crate::command) fn settle(
    arguments: &Arguments,
    state_folder: &StateFolder,
    service: &ServiceId,
    port: Option<Port>,
    is_ours: bool,
    begun: Option<Use>,
) -> Result<Option<Settled>, Failure> {
    let is_for_a_command = arguments.then.is_some();
    // what this call has started and stays with is used by it as by a command
    let is_used = is_for_a_command || (is_ours && !arguments.detaches());
    let noted = is_used || usage::is_known(state_folder, service, port);
    if arguments.detaches() && !noted {
        return Ok(Some(Settled::default()));
    }
    let begun = match begun {
        None if noted => Some(Use::begin(state_folder, service, port)?),
        begun => begun,
    };
    let record = ServerRecord::read(state_folder, service, port).map_err(|source| Failure::State {
        what: "read the record in",
        path: state_folder.path.clone(),
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
        if !is_used {
            usage.wanted(server)?;
        } else if is_ours {
            usage.started(server)?;
        }
    }
    settled.usage = settled.usage.filter(|_| is_used);
    Ok(Some(settled))
}

/// The uses of several services' servers that were begun before these are up.
#[derive(Debug)]
pub(in crate::command) struct Uses(Vec<Option<Use>>);

impl Uses {
    /// What cannot run is not used: that is told when it is started.
    pub(in crate::command) fn begin(arguments: &Arguments, services: &[ServiceSpec]) -> Result<Self, Failure> {
        if arguments.then.is_none() {
            return Ok(Self(Vec::new()));
        }
        let resolved = services.iter().map(|spec| resolve(spec.clone()).ok());
        resolved
            .map(|service| service.map_or(Ok(None), |service| begin(arguments, &service)))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    pub(in crate::command) fn take(&mut self, index: usize) -> Option<Use> {
        self.0.get_mut(index).and_then(Option::take)
    }
}
