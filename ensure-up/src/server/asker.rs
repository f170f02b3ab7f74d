//! On whose behalf something is asked for: what of him and his surroundings tells whether a process is his.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use nix::unistd::geteuid;
use proc_tree::users;

use super::command::Asked;
use crate::{Port, Service};

/// The user who asks, and what his command comes to here.
#[derive(Debug, Clone)]
pub(crate) struct Asker {
    /// The user.
    pub(crate) user: u32,
    /// His name and his home folder, as the user database has them.
    name: Option<String>,
    home: Option<PathBuf>,
    /// The program that the command's first word comes to, without links.
    program: Option<PathBuf>,
}

impl Default for Asker {
    fn default() -> Self {
        Self { user: geteuid().as_raw(), name: None, home: None, program: None }
    }
}

impl Asker {
    /// Looks up what a service's command comes to.
    pub(crate) fn of(service: &Service) -> Self {
        let user = geteuid().as_raw();
        let home = users::home(user).ok().flatten();
        Self { user, name: users::name(user), home, program: program(service) }
    }

    /// Asks for this command of a service, for its port.
    pub(crate) fn asks_for<'a>(&'a self, service: &'a Service, words: &'a [OsString], port: Option<Port>) -> Asked<'a> {
        Asked {
            words,
            cwd: &service.cwd,
            program: self.program.as_deref(),
            port: port.map(|port| port.number),
            user: self.user,
            user_name: self.name.as_deref(),
            home: self.home.as_deref(),
            environment: &service.environment,
        }
    }
}

/// Finds the program as the server's own start does: along the PATH that it gets, from the folder that it starts in.
fn program(service: &Service) -> Option<PathBuf> {
    let set = service.environment.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value.clone());
    found(service.spec.command.first()?.as_ref(), set.or_else(|| std::env::var_os("PATH")), &service.cwd)
}

/// Finds what a word means along this PATH, from this folder, as the kernel names it.
pub(crate) fn found(word: &Path, path: Option<OsString>, folder: &Path) -> Option<PathBuf> {
    if word.components().count() > 1 {
        return folder.join(word).canonicalize().ok();
    }
    std::env::split_paths(&path?).map(|part| folder.join(part).join(word)).find_map(|path| path.canonicalize().ok())
}
