//! Starting a server: its log, its process, its record, and the wait until it is ready, with the lock held all the while.

use std::{fs::File, path::Path};

use proc_tree::cli;

use crate::{
    Action, End, Failure, Outcome, Port, ServerRecord,
    event::block_on,
    log::{patterns::LogPatterns, rotate},
    server::{environment, orphans, prune},
    signals::ENDING,
    start::{
        call::{Call, Up},
        held, job,
        notify::{self, Notify},
        race::RaceEnd,
        spawn::{self, Launch},
        starting::{self, Starting},
        successor,
        waiting::{Doing, Waiting},
    },
    supervisor::passing::InFlight,
};

/// Starts the server and waits until it is ready; one that does not come up is stopped. `None` when its supervisor was killed
/// meanwhile, and there is to be looked what it left.
pub(super) fn start(call: &Call<'_>, port: Option<Port>, action: Action) -> Result<Option<Up>, Failure> {
    start_on(call, port, action, None)
}

/// Does the same with the socket that the server before had held for it, if it is to be held.
pub(super) fn start_on(
    call: &Call<'_>,
    port: Option<Port>,
    action: Action,
    socket: Option<InFlight>,
) -> Result<Option<Up>, Failure> {
    // what cannot be told is no reason to tell it again
    let is_known = ServerRecord::is_any_of_folder(call.state_folder, &call.service.id.folder).unwrap_or(true);
    let is_first = |outcome: &Outcome| !is_known && outcome.action == Action::Started;
    let up = begin(call, port, action, socket)?;
    Ok(up.map(|(outcome, server)| (Outcome { is_first: is_first(&outcome), ..outcome }, server)))
}

fn begin(call: &Call<'_>, port: Option<Port>, action: Action, socket: Option<InFlight>) -> Result<Option<Up>, Failure> {
    let Call { service, state_folder, .. } = call;
    let path = service.log_path(&state_folder.path, port);
    if service.kept_up().is_some() {
        let program = service.spec.command.first().map_or("".as_ref(), |program| program.as_os_str());
        spawn::find(program, &environment::whole(service, port, state_folder))?;
        if socket.is_none() {
            held::check(service, port)?;
        }
    }
    let file = rotate::start(&path, service.spec.log_keep)?;
    if service.kept_up().is_some() {
        prune::prune(state_folder);
        return call.supervise(ServerRecord::starting(service, port, None, Some(&path)), action, socket);
    }
    orphans::adopt();
    launch_and_wait(call, port, action, &path, &file).map(Some)
}

fn launch_and_wait(
    call: &Call<'_>,
    port: Option<Port>,
    action: Action,
    path: &Path,
    file: &File,
) -> Result<Up, Failure> {
    let service = call.service;
    let notify = service.spec.ready_notify.then(Notify::open).transpose();
    let notify = notify.map_err(Failure::system("open the notify socket"))?;
    // from here on a signal ends the race, not this process: nothing that was started may be left behind
    let _signals = cli::signals::Signals::catch(&ENDING).map_err(Failure::system("catch signals"))?;
    let log = LogPatterns::of(path, service);
    let mut record = ServerRecord::starting(service, port, None, Some(path));
    let command = service.command(port);
    let environment = notify::environment(environment::whole(service, port, call.state_folder), notify.as_ref());
    let launch = Launch {
        command: &command,
        cwd: &service.cwd,
        environment,
        input: None,
        socket: None,
        output: spawn::output(file),
    };
    let launched = starting::launch(&launch, |identity| {
        record = record.with_identity(identity);
        call.write(&record)
    });
    let processes = launched.inspect_err(|_| {
        let _ = record.remove(call.state_folder);
    })?;
    let mut starting = Starting::own(processes.of_job(service.spec.once), service, call.state_folder, port);
    // while it loads
    prune::prune(call.state_folder);
    let waiting = Waiting { log: Some(path.to_owned()), ..call.waiting(Doing::Starting, port) };
    let race = call.race(port).of(starting.processes()).reading(Some(log)).notified(notify.as_ref());
    let race = race.told(waiting, call.observer);
    let ended = block_on(race.just_started().run()).map_err(Failure::system("wait"));
    match ended.and_then(|ended| Ok(ended?)) {
        Ok(RaceEnd::Ready(holdings)) => {
            let roots = starting.processes().map(|processes| processes.roots().to_vec()).unwrap_or_default();
            let stranger = match call.stranger(port, &roots, &holdings) {
                Ok(stranger) => stranger,
                Err(failure) => return Err(starting.fail(failure)),
            };
            let (record, processes) = starting.ready(&record, &holdings)?;
            let identity = record.identity();
            let outcome = call.outcome(action, record.name, port, Some(identity), &holdings, stranger.as_ref());
            Ok((Outcome { log: Some(path.to_owned()), ..outcome }, processes))
        }
        Ok(RaceEnd::Ended { end: End::Exited(0), .. }) if service.spec.once => {
            Ok((job::done(call, action, &starting.finished(&record)?), None))
        }
        Err(failure) => Err(starting.fail(failure)),
        Ok(end) => {
            let is_over = matches!(end, RaceEnd::Ended { .. });
            if is_over
                && port.is_some()
                && let Some(up) = successor::take(call, port)?
            {
                drop(starting.release());
                return Ok(up);
            }
            let mut waiting = call.waiting(Doing::Stopping, port);
            if is_over {
                waiting.server = format!("what {} left behind", record.name);
            }
            if !is_over || starting.processes().is_some_and(|processes| processes.leaves_any()) {
                call.observer.tell_stop(Waiting { pid: Some(record.pid), log: Some(path.to_owned()), ..waiting });
            }
            let failure = call.not_ready(port, end, Some(path.to_owned()));
            Err(starting.not_up(failure, record))
        }
    }
}
