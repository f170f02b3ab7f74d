//! Whose is the server on the port? Nobody's, ours, another service's, one that matches, or a foreign one: never a guess,
//! and nothing but a conclusion from what was seen.

use std::{borrow::Cow, fmt};

use proc_tree::{Facts, Identity};

use super::{
    command,
    evidence::{Evidence, Holder, Known},
    holding::Holding,
    mark::Mark,
    part::Part,
    seen::Seen,
    session::Root,
    started::Started,
};
use crate::{Service, log::is_device};

/// Who holds a port, seen from a service that wants it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Whose {
    /// Nobody holds it.
    Nobody,
    /// The service's server, and in what it is not as asked for.
    Ours(Vec<Holding>, Vec<Part>),
    /// The server of another service of this user.
    Another(Vec<Holding>, Started),
    /// A server that is ours all the same; says by what.
    Matching(Vec<Holding>, By),
    /// Somebody else, and in what it differs from the one that is asked for.
    Foreign(Vec<Holding>, Vec<Part>),
}

/// By what a server is known that was not started for the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum By {
    /// Its command line matches this pattern.
    Pattern(String),
    /// It, or what started it, is this user's with our command in our folder.
    Command,
    /// It was started for this service.
    Service,
    /// Its answer.
    Answer,
    /// Whatever holds the port will do.
    Port,
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pattern(pattern) => write!(f, "its command line matches {pattern:?}"),
            Self::Command => f.write_str("its command line and folder match"),
            Self::Service => f.write_str("it was started for this service"),
            Self::Answer => f.write_str("its answer is the one that is expected"),
            Self::Port => f.write_str("it holds the port"),
        }
    }
}

impl Whose {
    /// Returns the holders.
    pub(crate) fn holdings(&self) -> &[Holding] {
        match self {
            Self::Nobody => &[],
            Self::Ours(holdings, _)
            | Self::Another(holdings, _)
            | Self::Matching(holdings, _)
            | Self::Foreign(holdings, _) => holdings,
        }
    }

    /// Takes whatever holds the port as the server.
    pub(crate) fn or_any(self) -> Self {
        match self {
            Self::Another(holdings, _) | Self::Foreign(holdings, _) => Self::Matching(holdings, By::Port),
            other => other,
        }
    }
}

/// Judges whose the server is, from the strongest evidence to the weakest.
pub(crate) fn judge(evidence: &Evidence, service: &Service) -> Whose {
    let asked = Started::of(service, evidence.port);
    let evidence = &evidence.without_supervisor_of(&asked);
    if evidence.holders.is_empty() {
        return Whose::Nobody;
    }
    let those = |is_it: &dyn Fn(&Holder) -> bool| {
        let found = evidence.holders.iter().filter(|holder| is_it(holder)).map(|holder| holder.holding.clone());
        Some(found.collect::<Vec<_>>()).filter(|found| !found.is_empty())
    };
    let all = || evidence.holders.iter().map(|holder| holder.holding.clone()).collect();
    let is_ours = |holder: &Holder| evidence.started(holder).is_some_and(|started| started.is_same_service(&asked));
    if let Some(ours) = those(&is_ours) {
        let started = evidence.holders.iter().find(|holder| is_ours(holder)).and_then(|ours| evidence.started(ours));
        return Whose::Ours(ours, started.map(|started| started.differences(&asked)).unwrap_or_default());
    }
    let as_another = |holder: &Holder| evidence.started(holder).cloned();
    if let (Some(others), Some(started)) =
        (those(&|holder| as_another(holder).is_some()), evidence.holders.iter().find_map(as_another))
    {
        return Whose::Another(others, started);
    }
    if !evidence.was_there {
        return Whose::Foreign(all(), Vec::new());
    }
    if let Some(ours) = those(&|holder| evidence.writes_to_our_files(holder)) {
        return Whose::Ours(ours, evidence.differences(service));
    }
    if let Some(pattern) = &service.spec.matching {
        let is_it = |holder: &Holder| {
            holder.holding.process.as_ref().is_some_and(|process| pattern.is_match(&process.command_line()))
        };
        if let Some(matching) = those(&is_it) {
            return Whose::Matching(matching, By::Pattern(pattern.as_str().to_owned()));
        }
    }
    if let Some(matching) = those(&|holder| evidence.differences_of(holder, service).is_empty()) {
        return Whose::Matching(matching, By::Command);
    }
    if evidence.answers == Some(true) {
        return Whose::Matching(all(), By::Answer);
    }
    // what a server of ours has opened besides its own port
    match evidence.holders.iter().find_map(|holder| evidence.mark(holder)) {
        Some(mark) => Whose::Another(all(), mark.started.clone()),
        None => Whose::Foreign(all(), evidence.differences(service)),
    }
}

impl Evidence {
    /// Leaves out the supervisor that listens for a server: it holds the port, and is not what is meant.
    fn without_supervisor_of(&self, started: &Started) -> Cow<'_, Self> {
        let is_its = |holder: &Holder| holder.is_supervisor_of(started);
        if !self.holders.iter().any(is_its) {
            return Cow::Borrowed(self);
        }
        let mut without = self.clone();
        without.holders.retain(|holder| !is_its(holder));
        Cow::Owned(without)
    }

    /// Returns what the server that a holder is of was started as, if that is known for certain: it belongs to a server that
    /// this call started or that is recorded, carries the mark of one on this port, or writes to the log of one.
    fn started<'e>(&'e self, holder: &'e Holder) -> Option<&'e Started> {
        let belongs = self.known.iter().find(|known| holder.belongs_to(&known.roots)).map(|known| &known.started);
        let marked = || self.mark(holder).map(|mark| &mark.started).filter(|started| started.port == self.port);
        let logs = || self.known.iter().find(|known| holder.writes_to_log_of(known)).map(|known| &known.started);
        belongs.or_else(|| self.was_there.then(|| marked().or_else(logs)).flatten())
    }

    /// Parts the holders into those of the server that was started as this, and all others.
    pub(crate) fn part(&self, of: &Started) -> (Vec<Holding>, Vec<Holding>) {
        let all = self.without_supervisor_of(of);
        let is_its = |holder: &&Holder| self.started(holder).is_some_and(|started| started.is_same_service(of));
        let (ours, others): (Vec<&Holder>, Vec<&Holder>) = all.holders.iter().partition(is_its);
        let holdings = |those: Vec<&Holder>| those.into_iter().map(|holder| holder.holding.clone()).collect();
        (holdings(ours), holdings(others))
    }

    /// Returns what the server that holds the port was started as, if that is known: for this port, or else for another one
    /// besides which it opened this.
    pub(crate) fn started_there(&self) -> Option<&Started> {
        let marked = || self.holders.iter().find_map(|holder| self.mark(holder)).map(|mark| &mark.started);
        self.holders.iter().find_map(|holder| self.started(holder)).or_else(marked)
    }

    /// Returns the nearest mark that the holder or an ancestor of it carries, all of the same user.
    fn mark<'e>(&self, holder: &'e Holder) -> Option<&'e Mark> {
        let mut own = holder.line.iter().take_while(|seen| seen.is_of(self.asker.user));
        own.find_map(|seen| seen.mark.as_ref())
    }

    fn writes_to_our_files(&self, holder: &Holder) -> bool {
        let process = holder.line.first().filter(|seen| seen.is_of(self.asker.user));
        self.files.as_deref().zip(process).is_some_and(|(files, process)| process.writes_to(files))
    }

    /// Tells in what the holder, or the ancestor of it that comes nearest, differs from the command that is asked for.
    fn differences_of(&self, holder: &Holder, service: &Service) -> Vec<Part> {
        let asked = self.asker.asks_for(service, &self.command, self.port);
        let differences = holder.line.iter().map(|seen| command::differences(&seen.running(), &asked));
        differences.min_by_key(Vec::len).unwrap_or_else(|| vec![Part::User])
    }

    /// Finds the process that runs the command that is asked for: a holder, or the outermost of what started it that does.
    pub(crate) fn runner(&self, service: &Service) -> Option<Identity> {
        let asked = self.asker.asks_for(service, &self.command, self.port);
        let runs_it = |seen: &&Seen| command::differences(&seen.running(), &asked).is_empty();
        self.holders.iter().find_map(|holder| holder.line.iter().rev().find(runs_it)).map(|seen| seen.facts.identity())
    }

    fn differences(&self, service: &Service) -> Vec<Part> {
        let visible = self.holders.iter().filter(|holder| !holder.line.is_empty());
        let all = visible.map(|holder| self.differences_of(holder, service));
        all.min_by_key(Vec::len).unwrap_or_default()
    }
}

impl Holder {
    /// Tells whether it is the supervisor of the server that was started as this.
    fn is_supervisor_of(&self, started: &Started) -> bool {
        self.line.first().is_some_and(|process| {
            process.is_supervisor() && process.mark.as_ref().is_some_and(|mark| mark.started.is_same_service(started))
        })
    }

    /// Tells whether the process is one of the roots, descends from one, or is of a session that one began.
    pub(crate) fn belongs_to(&self, roots: &[Root]) -> bool {
        let is_root = |identity: Identity| roots.iter().any(|root| root.identity == identity);
        let is_in_session = |process: &Facts| roots.iter().any(|root| root.began(process.session));
        self.root.is_some_and(is_root)
            || self.holding.process.as_ref().is_some_and(is_in_session)
            || self.line.iter().any(|seen| is_root(seen.facts.identity()))
    }

    fn writes_to_log_of(&self, known: &Known) -> bool {
        let log = known.log.as_deref().filter(|log| !is_device(log));
        log.is_some_and(|log| self.line.first().is_some_and(|process| process.writes_to_log(log)))
    }
}

#[cfg(test)]
#[path = "judge/tests.rs"]
mod tests;
