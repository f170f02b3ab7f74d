//! What the kernel says of one process: its place in the tree, its state, its command.
//!
//! One façade for both platforms. Every function answers `None` for a process that does not exist (any more)
//! and an error only where the kernel refused to say. The macOS side has been type-checked, never run.

use std::{ffi::OsString, io, os::unix::ffi::OsStringExt, path::PathBuf, sync::OnceLock, time::SystemTime};

use crate::Identity;

mod exists;
mod start_time;
mod stat;
mod state;

#[cfg_attr(target_os = "linux", path = "process/linux.rs")]
#[cfg_attr(target_os = "macos", path = "process/macos.rs")]
mod platform;

pub(crate) use exists::if_exists;
pub use start_time::StartTime;
pub use stat::Stat;
pub use state::RunState;

#[cfg(target_os = "macos")]
pub(crate) use platform::{cpu_time, rusage};
#[cfg(target_os = "linux")]
pub(crate) use platform::{pidfd, read};

impl Identity {
    /// Reads the identity of the process that has `pid` now; `None` when there is none or it has ended.
    ///
    /// # Errors
    /// When the process cannot be looked at, which says nothing about whether it exists.
    pub fn of(pid: u32) -> io::Result<Option<Self>> {
        platform::identity(pid)
    }

    /// Tells whether this very process still runs. A zombie has ended.
    ///
    /// # Errors
    /// As [`Identity::of`].
    pub fn is_running(self) -> io::Result<bool> {
        let meant = self.as_read_here()?;
        Ok(Self::of(self.pid)? == Some(meant))
    }

    /// Returns the identity as this process reads it, which is how it can be compared with what is read here: on Linux
    /// another process may have read one of the other kind. One that no process has any more comes back as it is.
    ///
    /// # Errors
    /// When it cannot be told whether it is that of the process that has the PID now: it is the inode of a pidfd, and this
    /// process may not open pidfds.
    pub fn as_read_here(self) -> io::Result<Self> {
        platform::as_read_here(self)
    }
}

/// Reads a process's place and state.
///
/// Source: proc_pid_stat(5); on macOS `proc_pidinfo(PROC_PIDTBSDINFO)`.
///
/// # Errors
/// When the kernel refuses to say.
pub fn stat(pid: u32) -> io::Result<Option<Stat>> {
    platform::stat(pid)
}

/// Reads this very process; `None` where it has ended, whoever has its PID by now.
///
/// # Errors
/// As [`stat`].
pub fn stat_of(identity: Identity) -> io::Result<Option<Stat>> {
    Ok(stat(identity.pid)?.filter(|stat| stat.identity() == identity))
}

/// Tells whether this very process has ended or is about to; `false` where the kernel refuses to say.
///
/// Source: as [`Stat::is_ending`].
pub fn is_ending(identity: Identity) -> bool {
    stat_of(identity).is_ok_and(|stat| stat.is_none_or(|stat| stat.is_ending))
}

/// Reads the argument vector; empty for a kernel thread and for a process that wiped it.
///
/// Source: proc_pid_cmdline(5); on macOS `sysctl(KERN_PROCARGS2)`. Invalid UTF-8 is replaced.
///
/// # Errors
/// When the kernel refuses to say.
pub fn command(pid: u32) -> io::Result<Option<Vec<String>>> {
    platform::command(pid)
}

/// Reads the environment that the process was started with; what it changed since cannot be seen.
///
/// Empty for a program that was only just begun, and where a process wiped it: many write a title over their command line and what lies behind it. What is left of a
/// title there is no variable.
///
/// Source: proc_pid_environ(5); on macOS `sysctl(KERN_PROCARGS2)`, which leaves it out for the system's own programs.
///
/// # Errors
/// When the process belongs to another user, mostly.
pub fn environment(pid: u32) -> io::Result<Option<Vec<(OsString, OsString)>>> {
    let Some(text) = platform::environment(pid)? else { return Ok(None) };
    Ok(Some(text.split(|&byte| byte == 0).filter_map(variable).collect()))
}

/// `NAME=VALUE`. A name has no spaces; a title has.
fn variable(entry: &[u8]) -> Option<(OsString, OsString)> {
    let at = entry.iter().position(|&byte| byte == b'=')?;
    let (name, value) = (&entry[..at], &entry[at + 1..]);
    let is_name = !name.is_empty() && !name.iter().any(u8::is_ascii_whitespace);
    is_name.then(|| (OsString::from_vec(name.to_vec()), OsString::from_vec(value.to_vec())))
}

/// Reads the path of the program that the process executes.
///
/// # Errors
/// When the process belongs to another user, mostly.
pub fn executable(pid: u32) -> io::Result<Option<PathBuf>> {
    platform::executable(pid)
}

/// Reads the process's working folder.
///
/// # Errors
/// When the process belongs to another user, mostly.
pub fn cwd(pid: u32) -> io::Result<Option<PathBuf>> {
    platform::cwd(pid)
}

/// Reads the process's effective user ID.
///
/// # Errors
/// When the kernel refuses to say.
pub fn uid(pid: u32) -> io::Result<Option<u32>> {
    platform::uid(pid)
}

/// Returns the process that this is a thread's ID of; `None` for the ID of a process, and for nobody's.
///
/// # Errors
/// When the kernel refuses to say.
pub fn of_thread(id: u32) -> io::Result<Option<u32>> {
    platform::of_thread(id)
}

/// Lists the PIDs of all processes that can be seen.
///
/// # Errors
/// When the process table cannot be read at all.
pub fn all() -> io::Result<Vec<u32>> {
    platform::all()
}

/// Reads a process's place and state, unless it may not be looked at: mounted with `hidepid`, /proc hides what others run.
///
/// # Errors
/// When the kernel refuses to say for another reason.
pub fn stat_if_visible(pid: u32) -> io::Result<Option<Stat>> {
    if_visible(stat(pid))
}

fn if_visible(answer: io::Result<Option<Stat>>) -> io::Result<Option<Stat>> {
    match answer {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(None),
        answer => answer,
    }
}

/// Reads all processes that can be seen, each as it is when its turn comes.
///
/// # Errors
/// When the process table cannot be read at all; an item is one when a process cannot be read.
pub fn visible() -> io::Result<impl Iterator<Item = io::Result<Stat>>> {
    Ok(all()?.into_iter().filter_map(|pid| stat_if_visible(pid).transpose()))
}

/// Reads all processes that run a program and can be seen, for less than [`visible`] takes: the kernel's own threads are left
/// out, with what it runs itself (a core's handler), and the identities are of the kind that needs no further call.
/// [`Identity::as_read_here`] makes them such as can be compared.
///
/// # Errors
/// As [`visible`].
pub fn programs() -> io::Result<impl Iterator<Item = io::Result<Stat>>> {
    Ok(platform::programs()?.into_iter().filter_map(|pid| if_visible(platform::stat_by_start(pid)).transpose()))
}

/// Reads the PID of a process's parent, 0 for one outside this PID namespace; of one that /proc hides where the kernel
/// tells it all the same.
///
/// # Errors
/// When the kernel refuses to say.
pub(crate) fn parent(pid: u32) -> io::Result<Option<u32>> {
    platform::parent(pid)
}

/// Lists the PIDs of the process's children.
///
/// `threads` is how many threads the process has: children hang off the thread that forked them.
///
/// # Errors
/// When the children cannot be read; [`io::ErrorKind::Unsupported`] where the kernel keeps no such list.
pub fn children(pid: u32, threads: u32) -> io::Result<Vec<u32>> {
    platform::children(pid, threads)
}

/// Finds a thread of a process besides its main one: where that has exited and others go on, the kernel tells of the process by
/// them alone. `None` where there is none, and on macOS, which tells of processes as such.
pub(crate) fn other_thread(pid: u32) -> Option<u32> {
    platform::other_thread(pid)
}

impl StartTime {
    /// Returns the start of a process that starts now.
    pub fn now() -> Self {
        Self(platform::clock())
    }

    /// Returns the time of day.
    pub fn time(self) -> SystemTime {
        platform::time_of(self.0)
    }
}

/// Tells whether the PIDs that are read here mean the same processes as this process's own calls mean by them.
///
/// On Linux that is not so where /proc was mounted for another PID namespace: every PID in it means somebody else then.
///
/// # Errors
/// When /proc is not there.
pub fn is_own_namespace() -> io::Result<bool> {
    platform::is_own_namespace()
}

/// Names this boot of the machine: a start in ticks since boot means nothing after the next one.
///
/// # Errors
/// When the kernel does not say.
pub fn boot_id() -> io::Result<&'static str> {
    static READ: OnceLock<String> = OnceLock::new();
    if let Some(read) = READ.get() {
        return Ok(read);
    }
    let read = platform::boot_id()?;
    Ok(READ.get_or_init(|| read))
}

#[cfg(test)]
mod tests {
    use std::{
        process::{Command, Stdio},
        thread,
        time::{Duration, Instant},
    };

    use super::*;

    #[test]
    fn the_environment_is_the_one_that_a_process_was_started_with() {
        let mut child = Command::new("sleep")
            .env_clear()
            .envs([("A", "1"), ("B", "x=y z"), ("EMPTY", "")])
            .arg("60")
            .stdin(Stdio::null())
            .spawn()
            .expect("sleep is there");
        // a program that was only just begun has none yet
        let deadline = Instant::now() + Duration::from_secs(10);
        let mut seen = environment(child.id()).expect("it is ours");
        while seen.as_ref().is_some_and(Vec::is_empty) && Instant::now() < deadline {
            thread::yield_now();
            seen = environment(child.id()).expect("it is ours");
        }
        child.kill().expect("it is ours");
        child.wait().expect("it is ours");
        let mut seen = seen.expect("it runs");
        seen.sort_unstable();
        let expected = [("A", "1"), ("B", "x=y z"), ("EMPTY", "")].map(|(name, value)| (name.into(), value.into()));
        assert_eq!(seen, expected);
        assert_eq!(environment(child.id()).expect("nobody has it"), None);
    }

    #[test]
    fn every_program_is_listed_and_nothing_of_the_kernel() {
        let mut child = Command::new("sleep").arg("60").stdin(Stdio::null()).spawn().expect("sleep is there");
        let programs: Vec<Stat> = programs().expect("they can be listed").collect::<io::Result<_>>().expect("and read");
        let of = |pid: u32| programs.iter().find(|stat| stat.pid == pid).map(Stat::identity);
        for pid in [std::process::id(), child.id()] {
            let read_here = of(pid).expect("it runs").as_read_here().expect("it can be told");
            assert_eq!(Some(read_here), Identity::of(pid).expect("it is ours"));
        }
        child.kill().expect("it is ours");
        child.wait().expect("it is ours");
        let kernel = stat(2).ok().flatten().filter(|stat| stat.name == "kthreadd");
        assert!(kernel.is_none() || programs.iter().all(|stat| stat.pid != 2 && stat.parent != 2));
    }

    #[test]
    fn what_a_title_left_in_its_place_is_no_variable() {
        for entry in ["", "x.conf -g daemon off;", "-g env A=1", "=value", " A=1"] {
            assert_eq!(variable(entry.as_bytes()), None, "{entry:?}");
        }
        assert_eq!(variable(b"A=1=2"), Some(("A".into(), "1=2".into())));
    }
}
