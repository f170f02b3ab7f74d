//! The supervisor: one small process per server that starts it again when it crashes, hangs or changes.
//!
//! It holds a lock for life, which is the truth about whether it lives, and waits for events alone.

use std::{
    path::PathBuf,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use proc_tree::cli::text;
use tokio::{
    select,
    signal::unix::{self, SignalKind, signal},
    time,
};

use crate::{
    Failure, Folders, Life, Lock, Phase, Record, Service, health,
    log::pump::{self, Bounds, Pump},
    server::life,
    server::standing,
    service::backoff::Limit,
    service::supervision::Supervision,
    signals::Signals,
    stop::tree,
    supervisor::breaker::{Breaker, Decision},
    supervisor::reload::Reload,
};

/// Why a generation of the server is over.
#[derive(Debug)]
pub(super) enum Over {
    /// It crashed, hung or did not come up; says how. It was healthy for so long.
    Crashed { how: String, healthy: Duration },
    /// It ended with status 0.
    Finished,
    /// A file changed.
    Changed(PathBuf),
    /// The supervisor was asked to end.
    Asked,
    /// Starting it again cannot help.
    Hopeless(String),
}

/// How a pause ended.
pub(super) enum Paused {
    Over,
    Changed,
    Asked,
}

/// A server under supervision.
#[derive(Debug)]
pub(super) struct Supervisor<'s> {
    pub(super) service: &'s Service,
    pub(super) keep_up: &'s Supervision,
    pub(super) port: u16,
    pub(super) folders: &'s Folders,
    pub(super) log: PathBuf,
    pub(super) record: Record,
    pub(super) output: Arc<Pump>,
    pub(super) signals: Signals,
    /// Says that a child has ended, among them the orphans that came here.
    pub(super) children: unix::Signal,
    pub(super) reload: Option<Reload>,
    pub(super) breaker: Breaker,
}

/// How long a port may stay held when all of its server is gone.
const PORT_PATIENCE: Duration = Duration::from_secs(2);

/// Supervises the server of a port until that is stopped on purpose, ends by itself, or is given up.
///
/// The record must be there: its starter wrote it, with this process as the supervisor.
///
/// # Errors
/// When it cannot be supervised, and [`Failure::Broken`] when it was given up.
pub fn run(service: &Service, port: u16, folders: &Folders) -> Result<(), Failure> {
    let path = folders.file(&port.to_string(), "supervisor");
    let Some(_lock) = Lock::try_take(&path).map_err(Failure::state("lock", &path))? else { return Ok(()) };
    let record = Record::read(folders, port)
        .ok_or_else(|| Failure::state("find the record in", &folders.runtime)(std::io::ErrorKind::NotFound.into()))?;
    life::become_subreaper();
    health::block_on(supervise(service, folders, record)).map_err(Failure::system("wait"))?
}

async fn supervise(service: &Service, folders: &Folders, record: Record) -> Result<(), Failure> {
    // first of all: from here on nothing that was started is left behind
    let signals = Signals::catch().map_err(Failure::system("catch signals"))?;
    let children = signal(SignalKind::child()).map_err(Failure::system("catch signals"))?;
    let (port, keep_up) = (record.port, &service.spec.supervision);
    let path = folders.file(&port.to_string(), "out");
    let pipe = pump::open(&path).map_err(Failure::state("open", &path))?;
    let log = record.log.clone().unwrap_or_else(|| service.log_path(&folders.logs, port));
    let bounds = Bounds { path: log.clone(), most_bytes: keep_up.log_max_size, keep: service.spec.log_keep };
    let output = Pump::start(pipe, bounds).map_err(Failure::system("write the log"))?;
    // a log in the folder that is watched must not restart its own server
    let own = || vec![log.clone(), folders.runtime.clone(), folders.logs.clone()];
    let reload =
        (!keep_up.reload_on.is_empty()).then(|| Reload::watch(&service.cwd, &keep_up.reload_on, own())).transpose();
    let supervisor = Supervisor {
        service,
        keep_up,
        port,
        folders,
        log,
        record,
        output,
        signals,
        children,
        reload: reload.map_err(Failure::system("watch the files"))?,
        breaker: Breaker::new(keep_up.backoff, keep_up.max_restarts),
    };
    supervisor.run().await
}

impl Supervisor<'_> {
    async fn run(mut self) -> Result<(), Failure> {
        let result = self.keep_up().await;
        // what is still in the pipe ends with this process
        self.output.flush();
        result
    }

    async fn keep_up(&mut self) -> Result<(), Failure> {
        let mut life = self.adopt()?;
        loop {
            // when the record cannot be written: as good as a crash, and what was started is not left behind
            let over = self.generation(&mut life).await.unwrap_or_else(|failure| Over::Crashed {
                how: format!("cannot be supervised: {}", message(&failure)),
                healthy: Duration::ZERO,
            });
            self.end(life.take(), &over);
            let pause = match over {
                Over::Asked => return self.forget(),
                Over::Finished => return self.finished(),
                Over::Hopeless(how) => {
                    self.give_up(&format!("it {how}"));
                    None
                }
                Over::Changed(path) => {
                    self.say(&format!("{} changed: starting again", text::path(&path)));
                    self.breaker.forget();
                    self.record.reason = None;
                    Some(Duration::ZERO)
                }
                Over::Crashed { how, healthy } => self.after_crash(how, healthy),
            };
            let paused = match pause {
                Some(pause) => self.pause(pause).await,
                None => self.broken().await?,
            };
            match paused {
                Paused::Over => {}
                Paused::Changed => self.breaker.forget(),
                Paused::Asked => return self.forget(),
            }
            self.record.restarts += 1;
        }
    }

    /// A server whose supervisor was killed lives on and is taken over as it is.
    pub(super) fn adopt(&self) -> Result<Option<Life>, Failure> {
        if self.record.pid == std::process::id() {
            return Ok(None);
        }
        let mut life = Life::watch(self.record.identity(), false).map_err(Failure::system("watch the server"))?;
        let ended = life.ended().map_err(Failure::system("watch the server"))?;
        Ok(ended.is_none().then_some(life))
    }

    fn after_crash(&mut self, how: String, healthy: Duration) -> Option<Duration> {
        let told = self.with_last_words(how);
        match self.breaker.crashed(Instant::now(), healthy) {
            Decision::Restart(pause) => {
                self.say(&format!("it {told}; starting again in {}", proc_tree::cli::duration::elapsed(pause)));
                self.record.reason = Some(told);
                Some(pause)
            }
            Decision::Open => {
                let Limit { restarts, window } = self.keep_up.max_restarts;
                let window = proc_tree::cli::duration::uptime(window);
                let crashes = if restarts == 0 { "1 crash".into() } else { format!("{} crashes", restarts + 1) };
                self.give_up(&format!("{crashes} within {window}; it {told}"));
                None
            }
        }
    }

    /// Notes why the breaker opens, and when.
    fn give_up(&mut self, why: &str) {
        self.say(&format!("giving up: {why}"));
        self.record.reason = Some(format!("given up at {}: {why}", super::told::now()));
    }

    /// The breaker is open. A file that changes closes it; without files to watch there is nothing to stay for.
    async fn broken(&mut self) -> Result<Paused, Failure> {
        self.record.phase = Phase::Broken;
        // its log is shown to whoever waits for the record
        self.output.flush();
        self.write()?;
        let Some(reload) = &mut self.reload else {
            let reason = self.record.reason.clone().unwrap_or_default();
            return Err(Failure::Broken { name: self.record.name.clone(), reason, log: None });
        };
        super::memory::give_back();
        Ok(select! {
            _ = self.signals.next() => Paused::Asked,
            _ = reload.changed() => Paused::Changed,
        })
    }

    /// Pauses before a restart; a change ends the pause.
    async fn pause(&mut self, pause: Duration) -> Paused {
        if pause.is_zero() {
            return Paused::Over;
        }
        self.record.phase = Phase::Waiting;
        self.output.flush();
        if let Err(failure) = self.write() {
            self.say(&message(&failure));
        }
        select! {
            _ = self.signals.next() => Paused::Asked,
            _ = changed(self.reload.as_mut()) => Paused::Changed,
            () = time::sleep(pause) => Paused::Over,
        }
    }

    /// Ends what is left of a generation, and waits until the port is free.
    fn end(&mut self, life: Option<Life>, over: &Over) {
        let Some(mut life) = life else { return };
        let whole = life.ended().and_then(|_| life.whole()).unwrap_or_else(|_| life.roots().to_vec());
        match tree::stop(&whole, self.service.spec.stop_signal, self.service.spec.grace) {
            Ok(left) if left.is_empty() => {}
            Ok(left) => self.say(&format!("cannot stop {} ({})", left[0].name, left[0].identity)),
            Err(error) => self.say(&format!("cannot stop the server: {}", text::os_error(&error))),
        }
        let _ = life.ended();
        life::reap_orphans();
        // the kernel frees a port with the last process that holds it; one that is passed on may take a moment
        let until = Instant::now() + PORT_PATIENCE;
        let is_next = matches!(over, Over::Changed(_) | Over::Crashed { .. });
        while is_next && standing::listeners(self.port).is_ok_and(|found| !found.is_empty()) && Instant::now() < until {
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// A server that ended with status 0 is not wanted any more.
    fn finished(&mut self) -> Result<(), Failure> {
        self.say("it ended with status 0");
        self.output.flush();
        self.record.phase = Phase::Finished;
        self.record.reason = Some("ended with status 0".into());
        self.write()
    }

    fn forget(&self) -> Result<(), Failure> {
        Record::remove(self.folders, self.port).map_err(Failure::state("remove the record in", &self.folders.runtime))
    }

    pub(super) fn write(&self) -> Result<(), Failure> {
        self.record.write(self.folders).map_err(Failure::state("write a record in", &self.folders.runtime))
    }
}

pub(super) async fn changed(reload: Option<&mut Reload>) -> PathBuf {
    match reload {
        Some(reload) => reload.changed().await,
        None => std::future::pending().await,
    }
}

pub(super) fn message(failure: &Failure) -> String {
    text::failure(failure)
}
