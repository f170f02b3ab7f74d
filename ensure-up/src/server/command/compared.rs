//! The two sides that are compared: a process as it is seen, and what is asked for.

use std::{
    ffi::{OsStr, OsString},
    fs,
    path::{Path, PathBuf},
};

use proc_tree::{Facts, users};

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// The command.
    pub(crate) words: &'a [OsString],
    /// The folder to start it in, as the kernel names it.
    pub(crate) cwd: &'a Path,
    /// Its first word as it is found in `PATH`, as the kernel names it.
    pub(crate) program: Option<&'a Path>,
    /// The port that it shall listen on.
    pub(crate) port: Option<u16>,
    /// The user who asks.
    pub(crate) user: u32,
    /// The user's name and home, as the user database has them.
    pub(crate) user_name: Option<&'a str>,
    /// See `user_name`.
    pub(crate) home: Option<&'a Path>,
    /// The variables that were set, not those that are inherited.
    pub(crate) environment: &'a [(OsString, OsString)],
}

/// A process that may run it.
#[derive(Debug, Clone)]
pub(crate) struct Running<'a> {
    facts: &'a Facts,
    /// The environment that it was started with; empty where it cannot be read or a title was written over it.
    environment: &'a [(OsString, OsString)],
    /// `PWD` of that environment, as the kernel names it.
    started_in: Option<PathBuf>,
    /// Looks up a user's name, where that is asked for.
    pub(super) named: fn(u32) -> Option<String>,
}

impl Asked<'_> {
    /// Returns the command as text. What is no text is compared as it is shown.
    pub(super) fn words(&self) -> Vec<String> {
        self.words.iter().map(|word| word.to_string_lossy().into_owned()).collect()
    }

    /// Returns the variables that were set, as text.
    pub(super) fn environment(&self) -> impl Iterator<Item = (String, String)> {
        self.environment.iter().map(|(name, value)| (text(name), text(value)))
    }

    /// Returns the value that a variable has for the command.
    pub(super) fn variable(&self, name: &str) -> Option<String> {
        let set = self.environment().find_map(|(known, value)| (known == name).then_some(value));
        set.or_else(|| self.port.filter(|_| name == "PORT").map(|port| port.to_string()))
    }
}

impl<'a> Running<'a> {
    /// Describes a process. `PWD` is looked up in the file system: shells keep the way that somebody came there by.
    pub(crate) fn new(facts: &'a Facts, environment: Option<&'a [(OsString, OsString)]>) -> Self {
        let environment = environment.unwrap_or_default();
        let pwd = environment.iter().find(|(name, _)| name == "PWD").map(|(_, value)| PathBuf::from(value));
        let started_in = pwd.filter(|pwd| pwd.is_absolute()).map(|pwd| fs::canonicalize(&pwd).unwrap_or(pwd));
        Self { facts, environment, started_in, named: users::name }
    }

    /// Returns the command line, which may be a title.
    pub(super) fn words(&self) -> &'a [String] {
        self.facts.command.as_deref().unwrap_or_default()
    }

    /// Returns the title that the process wrote over its command line: one word, the rest of the memory wiped.
    pub(crate) fn title(&self) -> Option<&'a str> {
        let (first, rest) = self.words().split_first()?;
        let is_title = rest.iter().all(String::is_empty) && first.contains(' ');
        is_title.then_some(first.trim_end())
    }

    pub(super) fn executable(&self) -> Option<&'a Path> {
        self.facts.executable.as_deref()
    }

    pub(super) fn cwd(&self) -> Option<&'a Path> {
        self.facts.cwd.as_deref()
    }

    pub(super) fn user(&self) -> Option<u32> {
        self.facts.uid
    }

    pub(super) fn user_name(&self) -> Option<String> {
        self.facts.uid.and_then(self.named)
    }

    /// Returns the folder that it was started in, as far as its environment tells.
    pub(crate) fn started_in(&self) -> Option<&Path> {
        self.started_in.as_deref()
    }

    /// Tells whether the environment cannot be seen.
    pub(super) fn hides_environment(&self) -> bool {
        self.environment.is_empty()
    }

    /// Returns the value of a variable in the environment that it was started with.
    pub(super) fn variable(&self, name: &str) -> Option<String> {
        self.environment.iter().find(|(known, _)| known == name).map(|(_, value)| text(value))
    }
}

fn text(text: &OsStr) -> String {
    text.to_string_lossy().into_owned()
}
