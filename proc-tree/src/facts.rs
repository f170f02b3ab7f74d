//! What a person wants to know of a process: who runs what, where, since when.

use std::{
    io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use crate::{Identity, Stat, process, users};

/// The name that the kernel keeps holds this many bytes (`TASK_COMM_LEN` less the NUL).
#[cfg(target_os = "linux")]
const KERNEL_NAME: usize = 15;
#[cfg(target_os = "macos")]
const KERNEL_NAME: usize = 31;

/// One process, described. What cannot be seen is `None`.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// The process ID.
    pub pid: u32,
    /// When it started, for identity; see [`Identity`].
    pub start_id: u64,
    /// The parent's process ID.
    pub ppid: u32,
    /// The session: the PID of its leader.
    pub session: u32,
    /// The process name.
    pub name: String,
    /// The argument vector.
    pub command: Option<Vec<String>>,
    /// The program's path.
    pub executable: Option<PathBuf>,
    /// The working folder.
    pub cwd: Option<PathBuf>,
    /// The effective user ID.
    pub uid: Option<u32>,
    /// When it started.
    pub started_at: SystemTime,
}

impl Facts {
    /// Describes the process that has `pid` now; `None` when there is none.
    ///
    /// # Errors
    /// When the process exists and cannot be looked at at all.
    pub fn of(pid: u32) -> io::Result<Option<Self>> {
        Ok(process::stat(pid)?.map(Self::from_stat))
    }

    /// Describes a process that was just read.
    pub fn from_stat(stat: Stat) -> Self {
        let pid = stat.pid;
        let command = process::command(pid).ok().flatten();
        let executable = process::executable(pid).ok().flatten();
        let uid = process::uid(pid).ok().flatten();
        Self {
            pid,
            start_id: stat.start_id,
            ppid: stat.parent,
            session: stat.session,
            name: full_name(stat.name, command.as_deref(), executable.as_deref()),
            command,
            executable,
            cwd: process::cwd(pid).ok().flatten(),
            uid,
            started_at: stat.started.time(),
        }
    }

    /// Returns the process's identity.
    pub fn identity(&self) -> Identity {
        Identity { pid: self.pid, start_id: self.start_id }
    }

    /// Returns for how long the process has run.
    pub fn uptime(&self) -> Duration {
        SystemTime::now().duration_since(self.started_at).unwrap_or_default()
    }

    /// Looks up the user's name, where the ID has one: that may ask a directory service.
    pub fn user(&self) -> Option<String> {
        self.uid.and_then(users::name)
    }

    /// Returns the command line joined by spaces; the name in brackets, as ps(1) does, where there is none.
    pub fn command_line(&self) -> String {
        command_line(self.command.as_deref(), &self.name)
    }
}

impl Stat {
    /// Returns for how long the process has run.
    pub fn uptime(&self) -> Duration {
        SystemTime::now().duration_since(self.started.time()).unwrap_or_default()
    }

    /// Returns the process's name as a person knows it: what the kernel keeps may be cut.
    pub fn whole_name(&self) -> String {
        if self.name.len() < KERNEL_NAME { self.name.clone() } else { Facts::from_stat(self.clone()).name }
    }
}

/// Joins a command line by spaces; without one it is the name in brackets, as in ps(1).
pub(crate) fn command_line(words: Option<&[String]>, name: &str) -> String {
    match words {
        Some(words) if !words.is_empty() => words.join(" "),
        _ => format!("[{name}]"),
    }
}

/// The kernel cuts names: takes the rest from the program's or the command's file name where that is its whole form.
pub(crate) fn full_name(name: String, command: Option<&[String]>, executable: Option<&Path>) -> String {
    if name.len() < KERNEL_NAME {
        return name;
    }
    let first_word = command.and_then(<[String]>::first).map(Path::new);
    [first_word, executable]
        .into_iter()
        .flatten()
        .filter_map(|path| path.file_name()?.to_str())
        .find(|file| file.starts_with(&name))
        .map_or(name.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_name_is_completed_from_the_command_and_a_whole_one_is_left_alone() {
        let command = vec!["/usr/bin/a-very-long-server-name".to_owned()];
        let cut = "a-very-long-server-name"[..KERNEL_NAME.min(23)].to_owned();
        assert_eq!(full_name(cut, Some(&command), None), "a-very-long-server-name");
        assert_eq!(full_name("python3".into(), Some(&command), None), "python3");
        assert_eq!(
            full_name("renamed-by-prctl-itself-to-a-long".into(), Some(&command), None),
            "renamed-by-prctl-itself-to-a-long"
        );
    }
}
