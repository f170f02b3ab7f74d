//! The servers that were started, as they are now: nothing is remembered that can be measured.

use std::{path::PathBuf, thread, time::Duration};

use clap::{Args, Command, FromArgMatches};
use futures_util::future::join_all;
use health_wait::Settings;
use port_who::Holding;
use proc_tree::{Facts, Identity, Sampler, process, roots::Root, sample::sampler::Options, usage::memory::Choice};
use serde::Serialize;

use crate::{
    Asked, Failure, Folders, Life, Lock, Phase, Record,
    health::{self, Prober},
    server::standing,
    service::spec,
};

/// What state a server is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It runs and was ready once.
    Running,
    /// It runs and has not been ready yet, or is about to be started again.
    Starting,
    /// It does not run.
    Stopped,
    /// Its supervisor gave up.
    Broken,
    /// It does not run, and another program holds its port.
    Foreign,
}

impl State {
    /// Returns the word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Starting => "starting",
            Self::Stopped => "stopped",
            Self::Broken => "broken",
            Self::Foreign => "foreign",
        }
    }
}

/// One server.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Its port.
    pub port: u16,
    /// Its state.
    pub state: State,
    /// Its process, if it runs.
    pub identity: Option<Identity>,
    /// Whether it answers as it should.
    pub healthy: bool,
    /// How often it was started again.
    pub restarts: u32,
    /// For how long it has run.
    pub uptime: Option<Duration>,
    /// The CPU that its tree uses, 100 for one core.
    pub cpu_percent: Option<f64>,
    /// The resident memory of its tree, in bytes.
    pub memory: Option<u64>,
    /// Where it answers.
    pub url: Option<String>,
    /// Its log.
    pub log: Option<PathBuf>,
    /// What there is to say: why it is broken or not healthy, how it ended.
    pub reason: Option<String>,
}

/// How long CPU is measured.
const INTERVAL: Duration = Duration::from_millis(100);

/// Looks at all servers, or at those with these names or ports.
///
/// # Errors
/// When the state folder, the ports or the processes cannot be looked at.
pub fn survey(folders: &Folders, names: &[String]) -> Result<Vec<Entry>, Failure> {
    let ports = Record::ports(folders).map_err(Failure::state("read", &folders.runtime))?;
    let known = ports.into_iter().map(|port| (port, Record::read(folders, port)));
    let wanted = known
        .filter(|(port, record)| names.is_empty() || names.iter().any(|name| is_named(name, *port, record.as_ref())));
    let mut entries = Vec::new();
    let mut asked = Vec::new();
    for (port, record) in wanted {
        let (entry, holdings) = look(folders, port, record.as_ref())?;
        entries.push(entry);
        asked.push(record.filter(|_| !holdings.is_empty()).map(|record| (record, holdings)));
    }
    let answers =
        health::block_on(join_all(asked.iter().map(|asked| ask(asked.as_ref())))).map_err(Failure::system("wait"))?;
    for (entry, answer) in entries.iter_mut().zip(answers) {
        match answer {
            Some(Asked::Healthy) => entry.healthy = true,
            Some(Asked::Not(why) | Asked::Failed(why)) => entry.reason = entry.reason.take().or(Some(why)),
            None => {}
        }
    }
    measure(&mut entries)?;
    Ok(entries)
}

/// Tells whether a name, or a port in its place, means this server.
pub(crate) fn is_named(name: &str, port: u16, record: Option<&Record>) -> bool {
    name == port.to_string() || record.is_some_and(|record| record.name == name)
}

/// Looks at one server; a record of one that does not run is cleared away.
fn look(folders: &Folders, port: u16, record: Option<&Record>) -> Result<(Entry, Vec<Holding>), Failure> {
    let watch = Failure::system("watch the server");
    let mut entry = Entry {
        name: record.map_or_else(|| port.to_string(), |record| record.name.clone()),
        port,
        state: State::Stopped,
        identity: None,
        healthy: false,
        restarts: record.map_or(0, |record| record.restarts),
        uptime: None,
        cpu_percent: None,
        memory: None,
        url: None,
        log: record.and_then(|record| record.log.clone()),
        reason: record.and_then(|record| record.reason.clone()),
    };
    let answer = standing::look(port).map_err(crate::ReadyError::from)?;
    let life = record.map(running).transpose().map_err(watch)?.flatten();
    let Some((record, life)) = record.zip(life) else {
        let is_supervised = record.is_some_and(|record| record.running_supervisor().is_some());
        entry.state = match record.map(|record| record.phase) {
            Some(Phase::Broken) => State::Broken,
            _ if is_supervised => State::Starting,
            _ if !answer.holdings.is_empty() => State::Foreign,
            _ => State::Stopped,
        };
        if entry.state == State::Stopped {
            clear(folders, port)?;
        }
        return Ok((entry, Vec::new()));
    };
    let ours =
        |holding: &Holding| holding.process.as_ref().is_some_and(|process| standing::descends(process, life.roots()));
    let (ours, others): (Vec<_>, Vec<_>) = answer.holdings.into_iter().partition(ours);
    entry.state = if record.phase == Phase::Ready { State::Running } else { State::Starting };
    entry.identity = Some(life.identity());
    entry.url = standing::listener(&ours).map(|listener| spec::url(record.health.as_deref(), listener));
    entry.reason = match (ours.is_empty(), others.is_empty()) {
        (true, true) => Some("nothing listens on its port".into()),
        (true, false) => Some("another program holds its port".into()),
        (false, _) => None,
    };
    Ok((entry, ours))
}

/// Before its first start a supervisor stands for its server.
fn running(record: &Record) -> std::io::Result<Option<Life>> {
    if record.supervisor == Some(record.identity()) {
        return Ok(None);
    }
    let mut life = Life::watch(record.identity(), false)?;
    Ok(life.ended()?.is_none().then_some(life))
}

/// Whoever holds the lock is about to write a new record.
fn clear(folders: &Folders, port: u16) -> Result<(), Failure> {
    let path = folders.file(&port.to_string(), "lock");
    if Lock::try_take(&path).map_err(Failure::state("lock", &path))?.is_some() {
        Record::remove(folders, port).map_err(Failure::state("remove the record in", &folders.runtime))?;
    }
    Ok(())
}

async fn ask(asked: Option<&(Record, Vec<Holding>)>) -> Option<Asked> {
    let (record, holdings) = asked?;
    let target = spec::target(record.health.as_deref(), standing::listener(holdings)?).ok()?;
    let answer = Prober::new(&settings(&record.probe)).ask(&target).await;
    Some(answer.unwrap_or_else(|error| Asked::Not(error.to_string())))
}

/// Parses the options of a health check as they were given.
pub(crate) fn settings(arguments: &[String]) -> Settings {
    let command = Settings::augment_args(Command::new("record").no_binary_name(true));
    let matches = command.try_get_matches_from(arguments);
    matches.and_then(|matches| Settings::from_arg_matches(&matches)).unwrap_or_default()
}

fn measure(entries: &mut [Entry]) -> Result<(), Failure> {
    let failed = || Failure::system("measure what the servers use");
    let mut roots = Vec::new();
    for entry in entries.iter_mut() {
        let Some(identity) = entry.identity else { continue };
        entry.uptime = Facts::of(identity.pid).ok().flatten().map(|facts| facts.uptime());
        roots.extend(process::stat(identity.pid).map_err(failed())?.map(|stat| Root::new(&stat)));
    }
    if roots.is_empty() {
        return Ok(());
    }
    let options = Options { memory: Choice::Rss, session: true, ..Options::default() };
    let mut sampler = Sampler::new(roots, options).map_err(failed())?;
    thread::sleep(INTERVAL);
    for record in sampler.sample().map_err(failed())? {
        if let Some(entry) = entries.iter_mut().find(|entry| entry.identity == record.identity()) {
            entry.cpu_percent = record.figures.cpu_percent;
            entry.memory = record.figures.memory_bytes;
        }
    }
    Ok(())
}
