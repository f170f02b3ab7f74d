//! The beginning of a supervisor: what it needs is taken before anything is started.

use std::{rc::Rc, sync::Arc};

use tokio::signal::unix::{SignalKind, signal};

use super::{
    changes::Changes,
    held::Held,
    idle::Asked,
    interruptions::{Interruptions, Watched},
    next::Policy,
    passing,
    reload::Reload,
    state::Supervisor,
};
use crate::{
    Failure, Lock, ServerRecord, Service, StateFolder,
    log::pump::{self, Bounds, Pump},
    server::ask_count,
    signals::Signals,
};

impl<'s> Supervisor<'s> {
    /// Takes what it needs to supervise this server; to be called on a runtime.
    pub(super) fn begin(
        service: &'s Service,
        state_folder: &'s StateFolder,
        record: ServerRecord,
        lock: Lock,
    ) -> Result<Self, Failure> {
        // first of all: from here on nothing that was started is left behind
        let signals = Signals::catch().map_err(Failure::system("catch signals"))?;
        let children = signal(SignalKind::child()).map_err(Failure::system("catch signals"))?;
        let (port, asked) = (record.port, &service.spec.supervision);
        let path = state_folder.of_service(&service.id, port, "out");
        let pipe = pump::open(&path).map_err(Failure::state("open", &path))?;
        let log = record.log.clone().unwrap_or_else(|| service.log_path(&state_folder.path, port));
        let bounds = Bounds { path: log.clone(), most_bytes: asked.log_max_size, keep: service.spec.log_keep };
        let output = Pump::start(pipe, bounds).map_err(Failure::system("write the log"))?;
        // a log in the folder that is watched must not restart its own server
        let own = || vec![log.clone(), state_folder.path.clone()];
        let reload =
            (!asked.reload_on.is_empty()).then(|| Reload::watch(&service.cwd, &asked.reload_on, own())).transpose();
        let reload = reload.map_err(Failure::system("watch the files"))?;
        let owner = asked.owner.map(Watched::of).transpose().map_err(Failure::system("watch the owner"))?;
        let elsewhere = state_folder.of_service(&service.id, port, "asked");
        if asked.idle_stop.is_some() {
            ask_count::begin(&elsewhere).map_err(Failure::state("write", &elsewhere))?;
        }
        let changes = reload.map(|reload| Changes::of(&service.cwd, reload, Arc::clone(&output)));
        let commands = state_folder.of_service(&service.id, port, "then");
        let mut supervisor = Self {
            service,
            port,
            state_folder,
            lock,
            log,
            record,
            interruptions: Interruptions { signals, changes, owner },
            children,
            output,
            policy: Policy::of(asked),
            held: None,
            offer: None,
            restarted: None,
            unwritten: None,
            asked: Asked { here: Rc::default(), elsewhere, commands },
        };
        let held = asked.hold_socket.zip(port).zip(passing::received());
        let held = held.and_then(|((address, port), socket)| Held::passed_on(socket, address, port.number));
        if let Some(held) = held {
            supervisor.keep(Arc::new(held));
        }
        Ok(supervisor)
    }
}
