//! Whose is the server on the port? Nobody's, ours, one that matches, or a foreign one: never a guess, and nothing but a
//! conclusion from what was seen.

use std::{
    borrow::Cow,
    ffi::{OsStr, OsString},
    fmt,
    path::Path,
};

use port_who::Holding;
use proc_tree::{Facts, Identity};

use crate::{
    Service,
    server::{
        evidence::{Evidence, Holder},
        record::{self, ServerRecord},
        session::Root,
    },
};

/// Who holds a port, seen from a service that wants it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Whose {
    /// Nobody holds it.
    Nobody,
    /// The server that was started or recorded: that process, one of its descendants or of its session.
    Ours(Vec<Holding>),
    /// A server that is ours all the same; says by what.
    Matching(Vec<Holding>, By),
    /// Somebody else.
    Foreign(Vec<Holding>),
}

/// By what a server is known that nothing is recorded of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum By {
    /// Its command line matches this pattern.
    Pattern(String),
    /// It, or what started it, is this user's with our command in our folder.
    Command,
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
            Self::Ours(holdings) | Self::Matching(holdings, _) | Self::Foreign(holdings) => holdings,
        }
    }

    /// Takes whatever holds the port as the server.
    pub(crate) fn or_any(self) -> Self {
        match self {
            Self::Foreign(holdings) => Self::Matching(holdings, By::Port),
            other => other,
        }
    }
}

/// Judges whose the server is, from the strongest evidence to the weakest.
pub(crate) fn judge(evidence: &Evidence, service: &Service) -> Whose {
    if evidence.holders.is_empty() {
        return Whose::Nobody;
    }
    let those = |is_it: &dyn Fn(&Holder) -> bool| {
        let found = evidence.holders.iter().filter(|holder| is_it(holder)).map(|holder| holder.holding.clone());
        Some(found.collect::<Vec<_>>()).filter(|found| !found.is_empty())
    };
    if let Some(ours) = those(&|holder| holder.belongs_to(&evidence.roots)) {
        return Whose::Ours(ours);
    }
    let all = || evidence.holders.iter().map(|holder| holder.holding.clone()).collect();
    if !evidence.was_there {
        return Whose::Foreign(all());
    }
    if let Some(pattern) = &service.spec.matching {
        let is_it = |holder: &Holder| {
            holder.holding.process.as_ref().is_some_and(|process| pattern.is_match(&process.command_line()))
        };
        if let Some(matching) = those(&is_it) {
            return Whose::Matching(matching, By::Pattern(pattern.as_str().to_owned()));
        }
    }
    let wanted = service.command(evidence.port);
    let runs_it = |process: &Facts| runs_command(process, evidence.user, &wanted, &service.cwd);
    if let Some(matching) = those(&|holder| holder.line().any(runs_it)) {
        return Whose::Matching(matching, By::Command);
    }
    if evidence.answers == Some(true) { Whose::Matching(all(), By::Answer) } else { Whose::Foreign(all()) }
}

/// Tells in what the recorded server differs from the one that is asked for.
pub(crate) fn differences(record: &ServerRecord, service: &Service) -> Vec<&'static str> {
    let compared = [
        ("command", record.command == record::words(service, record.port)),
        ("folder", record.cwd == service.cwd),
        ("environment", record.environment == service.environment_fingerprint()),
    ];
    compared.into_iter().filter_map(|(what, is_same)| (!is_same).then_some(what)).collect()
}

impl Holder {
    /// Tells whether the process is one of the roots, descends from one, or is of a session that one began.
    pub(crate) fn belongs_to(&self, roots: &[Root]) -> bool {
        let is_root = |identity: Identity| roots.iter().any(|root| root.identity == identity);
        let is_in_session = |process: &Facts| roots.iter().any(|root| root.began(process.session));
        self.root.is_some_and(is_root)
            || self.holding.process.as_ref().is_some_and(is_in_session)
            || self.line().any(|process| is_root(process.identity()))
    }

    /// The process and those that it descends from; nobody when it cannot be seen.
    fn line(&self) -> impl Iterator<Item = &Facts> {
        let ancestors = self.holding.process.as_ref().map(|_| &self.ancestors);
        self.holding.process.iter().chain(ancestors.into_iter().flatten())
    }
}

/// Tells whether the process is this user's with this command line in this folder.
fn runs_command(process: &Facts, user: u32, wanted: &[OsString], cwd: &Path) -> bool {
    process.uid == Some(user)
        && process.cwd.as_deref().is_some_and(|folder| folder == cwd)
        && process.command.as_deref().is_some_and(|words| is_same_command(words, wanted))
}

/// The kernel puts a script's interpreter, with at most one argument, in front of its command line, and the path that the
/// script was found at in place of its name.
///
/// What is no text is compared as it is shown.
fn is_same_command(words: &[String], wanted: &[OsString]) -> bool {
    let Some(extra) = words.len().checked_sub(wanted.len()).filter(|&extra| extra <= 2) else { return false };
    let mut pairs = words[extra..].iter().zip(wanted.iter().map(|word| word.to_string_lossy()));
    let is_program = |(word, wanted): (&String, Cow<'_, str>)| {
        *word == wanted || (!wanted.contains('/') && Path::new(word).file_name() == Some(OsStr::new(&*wanted)))
    };
    pairs.next().is_some_and(is_program) && pairs.all(|(word, wanted)| *word == wanted)
}

#[cfg(test)]
#[path = "judge/tests.rs"]
mod tests;
