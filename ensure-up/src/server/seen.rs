//! A process, and what tells whose server it is.

use std::{
    ffi::OsString,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use proc_tree::{Facts, process};

use super::{
    command::{Running, user::is_servers},
    mark::{self, Mark},
};
use crate::{Port, service::id::ServiceId};

/// A process, and what tells whose server it is.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// The process.
    pub(crate) facts: Facts,
    /// Its environment; `None` where it cannot be read, or where a title was written over it.
    pub(crate) environment: Option<Vec<(OsString, OsString)>>,
    /// The mark in it, if that is believed.
    pub(crate) mark: Option<Mark>,
    /// Where its standard output and error go, where those are files.
    pub(crate) outputs: Vec<PathBuf>,
}

impl Seen {
    /// Looks at a process that was just read. What cannot be seen tells nothing.
    pub(crate) fn of(facts: Facts) -> Self {
        let environment = process::environment(facts.pid).ok().flatten();
        Self::with(facts, environment)
    }

    /// Looks at a process whose environment was read already.
    pub(crate) fn with(facts: Facts, environment: Option<Vec<(OsString, OsString)>>) -> Self {
        let environment = environment.filter(|all| !all.is_empty());
        let mark = environment.as_deref().and_then(Mark::find).filter(|mark| mark.is_believed(facts.uid));
        let outputs = outputs(facts.pid);
        Self { facts, environment, mark, outputs }
    }

    /// Returns what tells which command it runs.
    pub(crate) fn running(&self) -> Running<'_> {
        Running::new(&self.facts, self.environment.as_deref())
    }

    /// Tells whether it is this user's, or root's and has changed to an account that nobody logs in to: what it carries in
    /// its environment can have been written by nobody else then.
    pub(crate) fn is_of(&self, user: u32) -> bool {
        self.facts.uid.is_some_and(|uid| uid == user || (user == 0 && is_servers(uid)))
    }

    /// Tells whether it carries the mark of a service's server on a port.
    pub(crate) fn is_marked_as(&self, service: &ServiceId, port: Option<Port>) -> bool {
        self.mark.as_ref().is_some_and(|mark| mark.started.is_of(service, port))
    }

    /// Tells whether it is the process that was started, and not what that has started.
    pub(crate) fn is_main(&self) -> bool {
        let mut variables = self.environment.iter().flatten();
        let main = variables.find(|(name, _)| name == mark::MAIN);
        main.is_some_and(|(_, pid)| pid.to_str() == Some(&self.facts.pid.to_string()))
    }

    /// Tells whether it is the supervisor of a server; what it keeps up is in its mark.
    pub(crate) fn is_supervisor(&self) -> bool {
        let words = self.facts.command.as_deref().unwrap_or_default();
        matches!(words, [_, flag, _] if flag == "--supervise")
    }

    /// Tells whether its output goes to this log, or to one that was put aside to begin it anew.
    pub(crate) fn writes_to_log(&self, log: &Path) -> bool {
        self.outputs.iter().any(|path| is_log(path, log))
    }

    /// Tells whether its output goes to a file whose path begins so.
    pub(crate) fn writes_to(&self, beginning: &Path) -> bool {
        self.outputs.iter().any(|path| path.as_os_str().as_bytes().starts_with(beginning.as_os_str().as_bytes()))
    }
}

/// Tells whether the output of a process that was not looked at yet goes to this log.
pub(crate) fn writes_to_log(pid: u32, log: &Path) -> bool {
    outputs(pid).iter().any(|path| is_log(path, log))
}

/// Tells whether a file is this log, or one that it was before.
fn is_log(path: &Path, log: &Path) -> bool {
    let is_number = |rest: &[u8]| !rest.is_empty() && rest.iter().all(u8::is_ascii_digit);
    let rest = path.as_os_str().as_bytes().strip_prefix(log.as_os_str().as_bytes());
    rest.is_some_and(|rest| rest.is_empty() || rest.strip_prefix(b".").is_some_and(is_number))
}

/// Source: /proc/PID/fd; a file that was removed reads with ` (deleted)` behind its path.
#[cfg(target_os = "linux")]
fn outputs(pid: u32) -> Vec<PathBuf> {
    use std::os::unix::ffi::OsStringExt;
    let link = |number: u8| std::fs::read_link(format!("/proc/{pid}/fd/{number}")).ok();
    let whole = |path: PathBuf| {
        let text = path.as_os_str().as_bytes();
        text.strip_suffix(b" (deleted)").map_or_else(|| path.clone(), |text| OsString::from_vec(text.to_vec()).into())
    };
    [1, 2].into_iter().filter_map(link).map(whole).filter(|path| path.is_absolute()).collect()
}

/// Not asked for there: the record, the mark and the command tell.
#[cfg(target_os = "macos")]
fn outputs(_pid: u32) -> Vec<PathBuf> {
    Vec::new()
}
