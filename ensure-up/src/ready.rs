//! The race: everything that says "ready", all of it, against everything that says "it never will be".

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;
use port_who::{Holding, LookError, SocketTableError};
use regex::bytes::Regex;
use tokio::{select, time};

use crate::{Life, Service, Standing, health, life::Ending, notify::Notify, signals::Signals, standing};

/// How the race ended.
#[derive(Debug)]
pub enum Verdict {
    /// It is ours, it holds the port, and it is healthy.
    Ready(Vec<Holding>),
    /// It ended, before or after it held the port.
    Ended {
        /// How.
        ending: Ending,
        /// Whether it held the port.
        held: bool,
    },
    /// Its log, or its health, said that it failed.
    Failed(String),
    /// The deadline passed; says what was still missing, and who holds the port if it is somebody else.
    TooLate(String, Vec<Holding>),
    /// This tool was asked to end.
    Interrupted(Signal),
}

/// It could not be found out whether the server is ready.
#[derive(Debug, thiserror::Error)]
pub enum ReadyError {
    /// Who holds the port is not known.
    #[error(transparent)]
    Look(#[from] LookError),
    /// Who listens is not known.
    #[error(transparent)]
    Sockets(#[from] SocketTableError),
    /// The health target is none.
    #[error(transparent)]
    Target(#[from] health_wait::InvalidTarget),
    /// Health cannot be asked for.
    #[error(transparent)]
    Health(#[from] health_wait::WaitError),
    /// The server's processes cannot be watched.
    #[error("cannot watch the server")]
    Watch(#[source] io::Error),
}

/// A server on its way up.
#[derive(Debug)]
pub struct Race<'r> {
    /// What was asked for.
    pub service: &'r Service,
    /// Its port.
    pub port: u16,
    /// The server's processes; `None` for one that is only known by its port.
    pub life: Option<&'r mut Life>,
    /// Its log.
    pub log: Option<&'r Path>,
    /// Where in its log this start begins.
    pub log_start: u64,
    /// Where it says that it is ready, if it is to say so.
    pub notify: Option<&'r Notify>,
    /// Whether it was there before: then its command line tells whose it is.
    pub was_there: bool,
    /// Whether whatever holds the port will do.
    pub adopt_any: bool,
    /// When to give up.
    pub deadline: Option<Instant>,
    /// Whether it has held the port so far.
    pub held: bool,
}

/// What a round found.
enum Round {
    Done(Verdict),
    Missing { what: String, foreign: Vec<Holding> },
}

/// Pauses between rounds grow from the first to the second: something new is mostly found soon.
const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_millis(20);

impl Race<'_> {
    /// Runs the race to its end.
    ///
    /// # Errors
    /// When the port, the processes or the health cannot be looked at.
    pub async fn run(mut self) -> Result<Verdict, ReadyError> {
        let started = Instant::now();
        let deadline = self.deadline;
        let mut signals = Signals::catch().map_err(ReadyError::Watch)?;
        let mut log = Lines::of(self.log, self.log_start, self.service);
        let mut prober = health::Prober::new(&self.service.settings);
        time::sleep(self.service.settings.initial_delay).await;
        loop {
            let round = select! {
                round = self.round(&mut log, &mut prober) => round?,
                signal = signals.next() => return Ok(Verdict::Interrupted(signal)),
                () = until(deadline) => Round::Done(Verdict::TooLate("no answer".into(), Vec::new())),
            };
            let (what, foreign) = match round {
                Round::Done(verdict) => return Ok(verdict),
                Round::Missing { what, foreign } => (what, foreign),
            };
            if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                return Ok(Verdict::TooLate(what, foreign));
            }
            let pause = (started.elapsed() / 100).clamp(SHORTEST, LONGEST);
            let pause = self.service.settings.interval.unwrap_or(pause);
            select! {
                () = time::sleep(pause) => {}
                () = changed(self.life.as_deref()) => {}
                () = told(self.notify) => {}
                signal = signals.next() => return Ok(Verdict::Interrupted(signal)),
                () = until(deadline) => {}
            }
        }
    }

    /// Looks at everything once, the cheapest first.
    async fn round(&mut self, log: &mut Lines, prober: &mut health::Prober) -> Result<Round, ReadyError> {
        // the log first: what a server says last, it says before it ends
        let ended = self.ended()?;
        log.read();
        if let Some(line) = log.failed.take() {
            return Ok(Round::Done(Verdict::Failed(format!("its log says {line:?}"))));
        }
        if let Some(ending) = ended {
            return Ok(Round::Done(Verdict::Ended { ending, held: self.held }));
        }
        let missing = |what: &str| Ok(Round::Missing { what: what.into(), foreign: Vec::new() });
        if standing::listeners(self.port)?.is_empty() {
            return missing("nothing listens on the port yet");
        }
        let ours = match self.standing()? {
            Standing::Free => return missing("nothing listens on the port yet"),
            // what only its answer can tell, it will tell when it is asked
            Standing::Foreign(foreign) if self.service.is_known_by_answer() => foreign,
            Standing::Foreign(foreign) => {
                return Ok(Round::Missing { what: "another program holds the port".into(), foreign });
            }
            Standing::Ours(holdings) | Standing::Matching(holdings, _) => holdings,
        };
        self.held = true;
        if !log.ready {
            return missing("its log does not say that it is ready");
        }
        if self.notify.is_some_and(|notify| !notify.is_ready()) {
            return missing("it has not sent READY=1");
        }
        self.ask(&ours, prober).await
    }

    fn ended(&mut self) -> Result<Option<Ending>, ReadyError> {
        self.life.as_mut().map_or(Ok(None), |life| life.ended()).map_err(ReadyError::Watch)
    }

    fn standing(&self) -> Result<Standing, ReadyError> {
        let roots = self.life.as_ref().map_or(&[][..], |life| life.roots());
        let holdings = standing::look(self.port)?.holdings;
        Ok(match standing::classify(holdings, self.port, self.service, roots, self.was_there) {
            Standing::Foreign(holdings) if self.adopt_any => Standing::Matching(holdings, String::new()),
            standing => standing,
        })
    }

    /// Asks for health, and then once more whose port it is: the answer may have been somebody else's.
    async fn ask(&mut self, ours: &[Holding], prober: &mut health::Prober) -> Result<Round, ReadyError> {
        let Some(listener) = standing::listener(ours) else {
            return Ok(Round::Missing { what: "nothing listens on the port yet".into(), foreign: Vec::new() });
        };
        let target = crate::service::target(self.service.health(self.port).as_deref(), listener)?;
        let asked = select! {
            asked = prober.ask(&target) => asked?,
            // the next round says how it ended
            () = changed(self.life.as_deref()) => health::Asked::Not("it ended meanwhile".into()),
        };
        match asked {
            health::Asked::Healthy if prober.in_a_row < self.service.settings.consecutive => Ok(Round::Missing {
                what: format!("healthy {} times in a row so far", prober.in_a_row),
                foreign: Vec::new(),
            }),
            health::Asked::Healthy => match (self.ended()?, self.standing()?) {
                (Some(ending), _) => Ok(Round::Done(Verdict::Ended { ending, held: self.held })),
                (None, Standing::Ours(holdings) | Standing::Matching(holdings, _)) => {
                    Ok(Round::Done(Verdict::Ready(holdings)))
                }
                (None, Standing::Foreign(holdings)) if self.service.is_known_by_answer() => {
                    Ok(Round::Done(Verdict::Ready(holdings)))
                }
                (None, other) => {
                    Ok(Round::Missing { what: "another program answers".into(), foreign: other.holdings().to_vec() })
                }
            },
            health::Asked::Not(what) => Ok(Round::Missing { what, foreign: Vec::new() }),
            health::Asked::Failed(why) => Ok(Round::Done(Verdict::Failed(why))),
        }
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

async fn changed(life: Option<&Life>) {
    match life {
        Some(life) => life.change().await,
        None => std::future::pending().await,
    }
}

async fn told(notify: Option<&Notify>) {
    match notify {
        Some(notify) if !notify.is_ready() => notify.receive().await,
        _ => std::future::pending().await,
    }
}

/// The lines of a log as they come, and what they tell.
struct Lines {
    path: Option<PathBuf>,
    offset: u64,
    partial: Vec<u8>,
    ready_pattern: Option<Regex>,
    fail_pattern: Option<Regex>,
    ready: bool,
    failed: Option<String>,
}

impl Lines {
    /// A line without end is looked at in pieces of this size.
    const LONGEST_LINE: usize = 64 * 1024;

    fn of(path: Option<&Path>, offset: u64, service: &Service) -> Self {
        Self {
            path: path.map(Path::to_path_buf).filter(|_| service.ready_log.is_some() || service.fail_log.is_some()),
            offset,
            partial: Vec::new(),
            ready: service.ready_log.is_none(),
            ready_pattern: service.ready_log.clone(),
            fail_pattern: service.fail_log.clone(),
            failed: None,
        }
    }

    /// Reads what is new. A log that was cut short or replaced begins anew.
    fn read(&mut self) {
        let Some(path) = &self.path else { return };
        let Ok(mut file) = File::open(path) else { return };
        let length = file.metadata().map_or(0, |found| found.len());
        if length < self.offset {
            self.offset = 0;
            self.partial.clear();
        }
        if file.seek(SeekFrom::Start(self.offset)).is_err() {
            return;
        }
        let mut chunk = vec![0; Self::LONGEST_LINE];
        while let Ok(read @ 1..) = file.read(&mut chunk) {
            self.offset += read as u64;
            self.partial.extend_from_slice(&chunk[..read]);
            self.look();
        }
    }

    /// A prompt may come without a line's end, so the last piece is looked at as well.
    fn look(&mut self) {
        let partial = std::mem::take(&mut self.partial);
        for line in partial.split(|&byte| byte == b'\n') {
            self.ready |= self.ready_pattern.as_ref().is_some_and(|pattern| pattern.is_match(line));
            if self.failed.is_none() && self.fail_pattern.as_ref().is_some_and(|pattern| pattern.is_match(line)) {
                self.failed = Some(String::from_utf8_lossy(line).trim_end().to_owned());
            }
        }
        let last = partial.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        if partial.len() - last < Self::LONGEST_LINE {
            self.partial = partial[last..].to_vec();
        }
    }
}
