//! The race: everything that says "ready", all of it, against everything that says "it never will be".

use std::{
    io,
    time::{Duration, Instant},
};

use port_who::{Holding, LookError, Socket, SocketTableError};
use proc_tree::Identity;
use proc_tree::Signal;
use tokio::{select, time};

use crate::{
    Life, Service, Standing, health, log::lines::Lines, server::life::Ending, server::standing, signals::Signals,
    start::notify::Notify,
};

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
    /// Its log, opened before it was started: by now it may have been rotated.
    pub log: Lines,
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

/// What is kept from round to round.
struct Course {
    prober: health::Prober,
    first_ask: Instant,
    /// The last answer, once it was asked.
    answer: Option<String>,
    seen: Option<Seen>,
}

/// Whose the port was, and what that was told from. The socket table is cheap to read; all processes are not.
struct Seen {
    sockets: Vec<Socket>,
    roots: Vec<Identity>,
    standing: Standing,
    at: Instant,
}

impl Seen {
    /// The same socket stays ours. Somebody else's may turn out to be ours: a daemon that loses its parent, or a process
    /// that ended while it was looked for.
    fn holds_for(&self, sockets: &[Socket], roots: &[Identity]) -> bool {
        let is_ours = matches!(self.standing, Standing::Ours(_) | Standing::Matching(..));
        self.sockets == sockets && self.roots == roots && (is_ours || self.at.elapsed() < SECOND_LOOK)
    }
}

/// As long as nobody has answered only the kernel is asked, often; the pause grows with the wait.
const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_millis(5);

/// A server that has answered and is not healthy yet is left in peace for so long, as health-wait does: most write a line
/// for each request, and their logs shall tell more than that.
const ANSWERED: Duration = Duration::from_millis(25);

/// How long somebody else's socket is taken to be that.
const SECOND_LOOK: Duration = Duration::from_millis(100);

impl Race<'_> {
    /// Runs the race to its end.
    ///
    /// # Errors
    /// When the port, the processes or the health cannot be looked at.
    pub async fn run(mut self) -> Result<Verdict, ReadyError> {
        let started = Instant::now();
        let deadline = self.deadline;
        let mut signals = Signals::catch().map_err(ReadyError::Watch)?;
        let mut course = Course {
            prober: health::Prober::new(&self.service.spec.probe),
            first_ask: started + self.service.spec.probe.initial_delay,
            answer: None,
            seen: None,
        };
        let mut missing = ("no answer".to_owned(), Vec::new());
        loop {
            let round = select! {
                round = self.round(&mut course) => round?,
                signal = signals.next() => return Ok(Verdict::Interrupted(signal)),
                () = until(deadline) => return Ok(Verdict::TooLate(course.answer.unwrap_or(missing.0), missing.1)),
            };
            missing = match round {
                Round::Done(verdict) => return Ok(verdict),
                Round::Missing { what, foreign } => (what, foreign),
            };
            if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                return Ok(Verdict::TooLate(missing.0, missing.1));
            }
            let silent = (started.elapsed() / 100).clamp(SHORTEST, LONGEST);
            let pause = if course.answer.is_some() { ANSWERED } else { silent };
            let pause = self.service.spec.probe.interval.unwrap_or(pause);
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
    async fn round(&mut self, course: &mut Course) -> Result<Round, ReadyError> {
        // the log first: what a server says last, it says before it ends
        let ended = self.ended()?;
        self.log.read();
        if let Some(line) = self.log.failed.take() {
            return Ok(Round::Done(Verdict::Failed(format!("its log says {line:?}"))));
        }
        if let Some(ending) = ended {
            return Ok(Round::Done(Verdict::Ended { ending, held: self.held }));
        }
        let missing = |what: &str| Ok(Round::Missing { what: what.into(), foreign: Vec::new() });
        let ours = match self.standing_of_sockets(course)? {
            Standing::Free => return missing("nothing listens on the port yet"),
            // what only its answer can tell, it will tell when it is asked
            Standing::Foreign(foreign) if self.may_answer(&foreign) => foreign,
            Standing::Foreign(foreign) => {
                return Ok(Round::Missing { what: "another program holds the port".into(), foreign });
            }
            Standing::Ours(holdings) | Standing::Matching(holdings, _) => holdings,
        };
        self.held = true;
        if !self.log.ready {
            return missing("its log does not say that it is ready");
        }
        if self.notify.is_some_and(|notify| !notify.is_ready()) {
            return missing("it has not sent READY=1");
        }
        if Instant::now() < course.first_ask {
            return missing("it is not to be asked yet");
        }
        self.ask(&ours, course).await
    }

    /// Tells whether a holder that is not known as ours may be known by its answer. Beside a server that was just started
    /// that is only one whose owner is not visible: a container's, or that of a server that changed its user.
    fn may_answer(&self, holdings: &[Holding]) -> bool {
        let is_visible = |holding: &Holding| holding.process.is_some();
        self.service.is_known_by_answer() && (self.was_there || !holdings.iter().any(is_visible))
    }

    fn standing_of_sockets(&self, course: &mut Course) -> Result<Standing, ReadyError> {
        let sockets = standing::listeners(self.port)?;
        if sockets.is_empty() {
            return Ok(Standing::Free);
        }
        if let Some(seen) = course.seen.as_ref().filter(|seen| seen.holds_for(&sockets, self.roots())) {
            return Ok(seen.standing.clone());
        }
        let standing = self.standing()?;
        let (roots, at) = (self.roots().to_vec(), Instant::now());
        course.seen = Some(Seen { sockets, roots, standing: standing.clone(), at });
        Ok(standing)
    }

    fn roots(&self) -> &[Identity] {
        self.life.as_ref().map_or(&[], |life| life.roots())
    }

    fn ended(&mut self) -> Result<Option<Ending>, ReadyError> {
        self.life.as_mut().map_or(Ok(None), |life| life.ended()).map_err(ReadyError::Watch)
    }

    fn standing(&self) -> Result<Standing, ReadyError> {
        Ok(match standing::of(self.port, self.service, self.roots(), self.was_there)? {
            Standing::Foreign(holdings) if self.adopt_any => Standing::Matching(holdings, String::new()),
            standing => standing,
        })
    }

    /// Asks for health, and then once more whose port it is: the answer may have been somebody else's.
    async fn ask(&mut self, ours: &[Holding], course: &mut Course) -> Result<Round, ReadyError> {
        let Some(listener) = standing::listener(ours) else {
            return Ok(Round::Missing { what: "nothing listens on the port yet".into(), foreign: Vec::new() });
        };
        let target = crate::service::target::target(self.service.health(self.port).as_deref(), listener)?;
        course.answer.get_or_insert_with(|| "no answer".into());
        let asked = select! {
            asked = course.prober.ask(&target) => asked?,
            // the next round says how it ended
            () = changed(self.life.as_deref()) => health::Asked::Not("it ended meanwhile".into()),
        };
        match asked {
            health::Asked::Healthy if course.prober.in_a_row < self.service.spec.probe.consecutive => {
                Ok(Round::Missing {
                    what: format!("healthy {} times in a row so far", course.prober.in_a_row),
                    foreign: Vec::new(),
                })
            }
            health::Asked::Healthy => match (self.ended()?, self.standing()?) {
                (Some(ending), _) => Ok(Round::Done(Verdict::Ended { ending, held: self.held })),
                (None, Standing::Ours(holdings) | Standing::Matching(holdings, _)) => {
                    Ok(Round::Done(Verdict::Ready(holdings)))
                }
                (None, Standing::Foreign(holdings)) if self.may_answer(&holdings) => {
                    Ok(Round::Done(Verdict::Ready(holdings)))
                }
                (None, other) => {
                    Ok(Round::Missing { what: "another program answers".into(), foreign: other.holdings().to_vec() })
                }
            },
            health::Asked::Not(what) => {
                course.answer = Some(what.clone());
                Ok(Round::Missing { what, foreign: Vec::new() })
            }
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
