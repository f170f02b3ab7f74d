//! The supervisor: one small process per server that starts it again when it crashes, hangs or changes.
//!
//! It holds a lock for life, which is the truth about whether it lives, and waits for events alone.

use std::{
    io,
    time::{Duration, Instant},
};

use proc_tree::{Identity, cli::text};
use tokio::time;

use super::{
    held::Held,
    next::{Action, Event},
    state::Supervisor,
};
use crate::{
    Failure, Lock, Phase, Port, ServerProcesses, ServerRecord, Service, StateFolder,
    event::block_on,
    server::{ask_count, census::Census, lost, orphans, port as listening},
    start::clock::now,
    stop::{beside, manner::Manner, whole},
};

/// How long a port may stay held when all of its server is gone.
const PORT_PATIENCE: Duration = Duration::from_secs(2);

/// Supervises the server of a service on a port, or without one, until that is stopped on purpose, ends by itself, or is given up.
///
/// Its starter has written the record, with this process as the supervisor.
///
/// # Errors
/// When it cannot be supervised, and [`Failure::Broken`] when it was given up.
pub fn run(service: &Service, port: Option<Port>, state_folder: &StateFolder) -> Result<(), Failure> {
    let path = state_folder.of_service(&service.id, port, "supervisor");
    let Some(lock) = Lock::try_take(&path).map_err(Failure::state("lock", &path))? else { return Ok(()) };
    let own = Identity::of(std::process::id()).and_then(|own| own.ok_or(io::ErrorKind::NotFound.into()));
    let own = own.map_err(Failure::system("find this process"))?;
    let record = ServerRecord::read(state_folder, &service.id, port);
    let record = match record.map_err(Failure::state("read the record in", &state_folder.path))? {
        Some(record) if record.supervisor == Some(own) => record,
        _ => match unrecorded(service, port, state_folder, own).map_err(Failure::system("look at the processes"))? {
            Some(record) => record,
            None => return Ok(()),
        },
    };
    orphans::adopt();
    block_on(supervise(service, state_folder, record, lock)).map_err(Failure::system("wait"))?
}

/// Describes the server whose record was deleted or written over since its starter wrote it; `None` where another
/// supervisor keeps it up: of two that find each other the later one gives way.
fn unrecorded(
    service: &Service,
    port: Option<Port>,
    state_folder: &StateFolder,
    own: Identity,
) -> io::Result<Option<ServerRecord>> {
    let found = lost::find(state_folder, &service.id, port)?;
    let found = found.filter(|found| found.is_alive().unwrap_or(true));
    let supervisor = found.as_ref().map(ServerRecord::running_supervisor).transpose()?.flatten();
    if supervisor.is_some_and(|other| other < own) {
        return Ok(None);
    }
    let found = found.filter(|found| Some(found.identity()) != supervisor);
    let record = found.unwrap_or_else(|| {
        ServerRecord::starting(service, port, Some(own), Some(&service.log_path(&state_folder.path, port)))
    });
    Ok(Some(ServerRecord { supervisor: Some(own), ..record }))
}

async fn supervise(
    service: &Service,
    state_folder: &StateFolder,
    record: ServerRecord,
    lock: Lock,
) -> Result<(), Failure> {
    Supervisor::begin(service, state_folder, record, lock)?.run().await
}

impl Supervisor<'_> {
    async fn run(mut self) -> Result<(), Failure> {
        let result = self.keep_up().await;
        // what is still in the pipe ends with this process
        self.output.flush();
        ask_count::end(&self.asked.elsewhere);
        result
    }

    async fn keep_up(&mut self) -> Result<(), Failure> {
        let mut processes = self.adopt()?;
        loop {
            // as good as a crash, and what was started is not left behind
            let mut event = match self.generation(&mut processes).await {
                Ok(event) => event,
                Err(failure) => {
                    self.failed(format!("cannot be supervised: {}", text::failure(&failure)), Duration::ZERO)
                }
            };
            if matches!(event, Event::Unwanted(_) | Event::Unused(_)) {
                // whoever wants it meanwhile is not told that it is up
                self.record.is_being_stopped = true;
                self.write();
            }
            let mut left = None;
            if let Some(mut ended) = processes.take()
                && let Err(failure) = self.stop(&mut ended)
            {
                if matches!(event, Event::Asked | Event::Unwanted(_) | Event::Unused(_)) {
                    return self.leave(failure);
                }
                event = Event::NotStopped(text::failure(&failure));
                left = Some(ended);
            }
            loop {
                let action = self.policy.next(event, Instant::now());
                // what could not be stopped gets no other one beside it
                if matches!(action, Action::Start | Action::Reload(_))
                    && let Some(Err(failure)) = left.as_mut().map(|left| self.stop(left))
                {
                    event = Event::NotStopped(text::failure(&failure));
                    continue;
                }
                match action {
                    Action::Start => {
                        self.record.restarts += 1;
                        self.restarted =
                            self.restarted.take().map(|how| format!("last restart at {}: it {how}", now()));
                        break;
                    }
                    Action::Reload(path) => {
                        self.say(&format!("{} changed: starting again", text::path(&path)));
                        (self.record.reason, self.restarted) = (None, None);
                        self.record.reloads += 1;
                        break;
                    }
                    Action::Pause(pause, how) => event = self.pause(pause, how).await,
                    Action::GiveUp(why) => event = self.give_up(&why).await?,
                    Action::Finish(end, how) => {
                        self.finish(end, &how);
                        return Ok(());
                    }
                    Action::Stop(why) => {
                        self.rest(Phase::Finished, why);
                        return Ok(());
                    }
                    Action::Rest(why) => {
                        self.rest(Phase::Idle, why);
                        return Ok(());
                    }
                    Action::End => return self.forget(),
                }
            }
            self.until_port_is_free().await;
        }
    }

    /// A server whose supervisor was killed lives on and is taken over as it is.
    fn adopt(&self) -> Result<Option<ServerProcesses>, Failure> {
        if self.record.pid == std::process::id() {
            return Ok(None);
        }
        let failed = || Failure::system("watch the server");
        let mut processes = ServerProcesses::of(&self.record).map_err(failed())?;
        Ok(processes.end().map_err(failed())?.is_none().then_some(processes))
    }

    /// Stops what is left of a generation.
    fn stop(&mut self, processes: &mut ServerProcesses) -> Result<(), Failure> {
        // what remains of it is known by then
        let _ = processes.end();
        // what cannot be looked at is not looked for
        let mut more = beside::find(&self.record).unwrap_or_default();
        more.extend(Census::take().map(|census| census.members(&self.record)).unwrap_or_default());
        let stopped = whole::stop(processes, &more, self.manner());
        let _ = processes.end();
        orphans::reap();
        // a server may have shut it down at its end
        let _ = self.held.as_deref().map(Held::listen);
        stopped.map(|killed| killed.lines.iter().for_each(|line| self.say(line)))
    }

    /// Returns how the server is to be stopped: whoever asks for that may have recorded it.
    fn manner(&self) -> Manner {
        let recorded = self.record.reread(self.state_folder).ok().flatten();
        let own = recorded.filter(|record| record.supervisor == self.record.supervisor);
        own.map_or_else(|| Manner::of(self.service), |record| Manner::recorded(&record))
    }

    /// Ends without the server, which cannot be stopped and so is remembered.
    fn leave(&mut self, left: Failure) -> Result<(), Failure> {
        let why = text::failure(&left);
        self.say(&why);
        self.record.phase = Phase::Ready;
        self.record.is_being_stopped = false;
        self.record.reason = Some(why);
        self.write();
        Err(left)
    }

    /// The kernel frees a port with the last process that holds it; one that is passed on may take a moment.
    async fn until_port_is_free(&self) {
        if self.held.is_some() {
            return;
        }
        let Some(port) = self.port else { return };
        let until = Instant::now() + PORT_PATIENCE;
        while listening::sockets(port).is_ok_and(|found| !found.is_empty()) && Instant::now() < until {
            time::sleep(Duration::from_millis(10)).await;
        }
    }
}
