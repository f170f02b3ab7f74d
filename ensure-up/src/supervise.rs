//! The supervisor: one small process per server that starts it again when it crashes, hangs or changes.
//!
//! It holds a lock for life, which is the truth about whether it lives, and waits for events alone.

mod generation;

use std::{
    ffi::OsString,
    fs::File,
    io::Write,
    path::PathBuf,
    time::{Duration, Instant},
};

use tokio::{select, time};

use crate::{
    Failure, Folders, Life, Lock, Phase, Record, Service,
    breaker::{Backoff, Breaker, Decision, Limit},
    health, life,
    pump::{self, Bounds},
    reload::{Patterns, Reload},
    signals::Signals,
    stop,
};

/// After which ends a server is started again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum RestartOn {
    /// After a status other than 0, and after a signal.
    #[default]
    Failure,
    /// After every one.
    Always,
}

/// How a server is kept up.
#[derive(Debug, Clone)]
pub struct KeepUp {
    /// The pauses before restarts.
    pub backoff: Backoff,
    /// When to give up.
    pub limit: Limit,
    /// After which ends it is started again.
    pub restart_on: RestartOn,
    /// Which files' changes restart it.
    pub reload: Patterns,
    /// After how many failed probes in a row it counts as crashed; `None`: it is not probed.
    pub liveness: Option<u32>,
    /// Beyond this size, in bytes, the log is rotated.
    pub log_max_size: u64,
    /// The arguments of this call, with which its supervisor is started.
    pub arguments: Vec<OsString>,
}

/// Why a generation of the server is over.
#[derive(Debug)]
enum Over {
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

/// A server under supervision.
#[derive(Debug)]
struct Supervisor<'s> {
    service: &'s Service,
    keep_up: &'s KeepUp,
    port: u16,
    folders: &'s Folders,
    record: Record,
    pipe: File,
    signals: Signals,
    reload: Option<Reload>,
    breaker: Breaker,
}

/// Supervises the server of a port until that is stopped on purpose, ends by itself, or is given up.
///
/// The record must be there: its starter wrote it, with this process as the supervisor.
///
/// # Errors
/// When it cannot be supervised.
pub fn run(service: &Service, keep_up: &KeepUp, port: u16, folders: &Folders) -> Result<(), Failure> {
    let path = folders.file(&port.to_string(), "supervisor");
    let Some(_lock) = Lock::try_take(&path).map_err(Failure::state("lock", &path))? else { return Ok(()) };
    let record = Record::read(folders, port)
        .ok_or_else(|| Failure::state("find the record in", &folders.runtime)(std::io::ErrorKind::NotFound.into()))?;
    life::become_subreaper();
    health::block_on(supervise(service, keep_up, folders, record)).map_err(Failure::system("wait"))?
}

async fn supervise(service: &Service, keep_up: &KeepUp, folders: &Folders, record: Record) -> Result<(), Failure> {
    let port = record.port;
    let path = folders.file(&port.to_string(), "out");
    let pipe = pump::open(&path).map_err(Failure::state("open", &path))?;
    let log = record.log.clone().unwrap_or_else(|| service.log_path(&folders.logs, port));
    let bounds = Bounds { path: log, most_bytes: keep_up.log_max_size, keep: service.log_keep };
    let copy = pipe.try_clone().map_err(Failure::state("open", &path))?;
    pump::start(copy, bounds).map_err(Failure::system("write the log"))?;
    let reload = (!keep_up.reload.is_empty()).then(|| Reload::watch(&service.cwd, &keep_up.reload)).transpose();
    let supervisor = Supervisor {
        service,
        keep_up,
        port,
        folders,
        record,
        pipe,
        signals: Signals::catch().map_err(Failure::system("catch signals"))?,
        reload: reload.map_err(Failure::system("watch the files"))?,
        breaker: Breaker::new(keep_up.backoff, keep_up.limit),
    };
    supervisor.run().await
}

impl Supervisor<'_> {
    async fn run(mut self) -> Result<(), Failure> {
        let mut life = self.adopt()?;
        loop {
            let over = self.generation(&mut life).await?;
            self.end(life.take())?;
            let pause = match over {
                Over::Asked => return self.forget(),
                Over::Finished => return self.give_up(Phase::Ready, "ended with status 0".into()),
                Over::Hopeless(why) => {
                    self.say(&format!("giving up: {why}"));
                    self.record.reason = Some(why);
                    None
                }
                Over::Changed(path) => {
                    self.say(&format!("{} changed: starting again", proc_tree::text::path(&path)));
                    Some(Duration::ZERO)
                }
                Over::Crashed { how, healthy } => self.after_crash(how, healthy),
            };
            let Some(pause) = pause else {
                if self.broken().await? {
                    continue;
                }
                return Ok(());
            };
            self.record.restarts += 1;
            if !self.wait(pause).await? {
                return self.forget();
            }
        }
    }

    /// A server whose supervisor was killed lives on and is taken over as it is.
    fn adopt(&self) -> Result<Option<Life>, Failure> {
        if self.record.pid == std::process::id() {
            return Ok(None);
        }
        let mut life = Life::watch(self.record.identity(), false).map_err(Failure::system("watch the server"))?;
        let ended = life.ended().map_err(Failure::system("watch the server"))?;
        Ok(ended.is_none().then_some(life))
    }

    fn after_crash(&mut self, how: String, healthy: Duration) -> Option<Duration> {
        match self.breaker.crashed(Instant::now(), healthy) {
            Decision::Restart(pause) => {
                self.say(&format!("it {how}; starting again in {}", proc_tree::duration::elapsed(pause)));
                self.record.reason = Some(how);
                Some(pause)
            }
            Decision::Open => {
                let Limit { restarts, window } = self.keep_up.limit;
                let window = proc_tree::duration::uptime(window);
                let why = format!("{} crashes within {window}, the last one: it {how}", restarts + 1);
                self.say(&why);
                self.record.reason = Some(why);
                None
            }
        }
    }

    /// The breaker is open. A file that changes closes it; without files to watch there is nothing to stay for.
    async fn broken(&mut self) -> Result<bool, Failure> {
        self.record.phase = Phase::Broken;
        self.write()?;
        let Some(reload) = &mut self.reload else { return Ok(false) };
        select! {
            _ = reload.changed() => {
                self.breaker = Breaker::new(self.keep_up.backoff, self.keep_up.limit);
                Ok(true)
            }
            _ = self.signals.next() => {
                self.forget()?;
                Ok(false)
            }
        }
    }

    /// Pauses before a restart; a change ends the pause. Returns whether to go on.
    async fn wait(&mut self, pause: Duration) -> Result<bool, Failure> {
        if pause.is_zero() {
            return Ok(true);
        }
        self.record.phase = Phase::Waiting;
        self.write()?;
        select! {
            () = time::sleep(pause) => Ok(true),
            _ = changed(self.reload.as_mut()) => Ok(true),
            _ = self.signals.next() => Ok(false),
        }
    }

    /// Ends what is left of a generation, and waits until the port is free.
    fn end(&self, life: Option<Life>) -> Result<(), Failure> {
        let Some(mut life) = life else { return Ok(()) };
        life.ended().map_err(Failure::system("watch the server"))?;
        let whole = life.whole().map_err(Failure::system("watch the server"))?;
        let left = stop::tree(&whole, self.service.stop_signal, self.service.grace);
        left.map(drop).map_err(Failure::system("stop the server"))
    }

    fn give_up(mut self, phase: Phase, why: String) -> Result<(), Failure> {
        self.say(&format!("it {why}"));
        self.record.phase = phase;
        self.record.reason = Some(why);
        self.write()
    }

    fn forget(&self) -> Result<(), Failure> {
        Record::remove(self.folders, self.port).map_err(Failure::state("remove the record in", &self.folders.runtime))
    }

    fn write(&self) -> Result<(), Failure> {
        self.record.write(self.folders).map_err(Failure::state("write a record in", &self.folders.runtime))
    }

    /// Says something in the server's log.
    fn say(&self, line: &str) {
        let _ = writeln!(&self.pipe, "ensure-up: {}", proc_tree::text::escape(line));
    }
}

async fn changed(reload: Option<&mut Reload>) -> PathBuf {
    match reload {
        Some(reload) => reload.changed().await,
        None => std::future::pending().await,
    }
}
