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

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeMap,
        fs::File,
        process::{Child, Command, Stdio},
        thread,
        time::{Duration, Instant, SystemTime},
    };

    use super::*;
    use crate::server::started::Started;

    const PID: u32 = 100;

    fn seen(words: &[&str], uid: Option<u32>, environment: Option<&[(&str, &str)]>) -> Seen {
        let facts = Facts {
            pid: PID,
            start_id: 1000,
            ppid: 1,
            session: PID,
            name: "server".into(),
            command: Some(words.iter().map(|&word| word.to_owned()).collect()),
            executable: None,
            cwd: None,
            uid,
            started_at: SystemTime::UNIX_EPOCH,
        };
        let environment = environment.map(|all| all.iter().map(|(name, value)| (name.into(), value.into())).collect());
        Seen { facts, environment, mark: None, outputs: Vec::new() }
    }

    #[test]
    fn a_log_is_the_same_when_it_was_put_aside() {
        for (path, is_it) in [
            ("/s/80.log", true),
            ("/s/80.log.1", true),
            ("/s/80.log.12", true),
            ("/s/80.log.", false),
            ("/s/80.log.1x", false),
            ("/s/80.log1", false),
            ("/s/80.out", false),
            ("/elsewhere/s/80.log", false),
        ] {
            let seen = Seen { outputs: vec!["/dev/null".into(), path.into()], ..seen(&[], None, None) };
            assert_eq!(seen.writes_to_log(Path::new("/s/80.log")), is_it, "{path}");
            assert_eq!(seen.writes_to(Path::new("/s/80.")), path.starts_with("/s/80."), "{path}");
        }
    }

    #[test]
    fn a_process_is_its_users_or_roots_that_took_the_account_of_a_server() {
        for (uid, user, is_of) in [
            (Some(1000), 1000, true),
            (Some(1001), 1000, false),
            (Some(33), 1000, false),
            (Some(33), 0, true),
            (Some(1000), 0, false),
            (None, 0, false),
        ] {
            assert_eq!(seen(&[], uid, None).is_of(user), is_of, "{uid:?} {user}");
        }
    }

    #[test]
    fn what_was_started_carries_its_own_pid() {
        for (environment, is_main) in [
            (None, false),
            (Some(&[("OTHER", "100")][..]), false),
            (Some(&[(mark::MAIN, "101")]), false),
            (Some(&[("OTHER", "1"), (mark::MAIN, "100")]), true),
        ] {
            assert_eq!(seen(&[], None, environment).is_main(), is_main, "{environment:?}");
        }
    }

    #[test]
    fn a_supervisor_is_known_by_its_command_line() {
        for (words, is_supervisor) in [
            (&["ensure-up", "--supervise", "80"][..], true),
            (&["ensure-up", "--supervise"], false),
            (&["ensure-up", "--status", "80"], false),
            (&["ensure-up", "80", "--supervise"], false),
            (&["serve", "ensure-up", "--supervise", "80"], false),
        ] {
            assert_eq!(seen(words, None, None).is_supervisor(), is_supervisor, "{words:?}");
        }
    }

    #[test]
    fn a_mark_is_that_of_one_service_on_one_port() {
        let (web, other) = (id("web"), id("other"));
        let port = Some(Port::tcp(80));
        let marked = Seen { mark: Some(mark_of(&web, port)), ..seen(&[], None, None) };
        for (service, port, is_it) in [(&web, port, true), (&other, port, false), (&web, None, false)] {
            assert_eq!(marked.is_marked_as(service, port), is_it, "{service:?} {port:?}");
            assert!(!seen(&[], None, None).is_marked_as(service, port));
        }
    }

    fn id(name: &str) -> ServiceId {
        ServiceId { folder: "/site".into(), name: Some(name.to_owned()) }
    }

    fn mark_of(service: &ServiceId, port: Option<Port>) -> Mark {
        let (service, environment) = (service.clone(), BTreeMap::new());
        let started = Started { service, program: "serve".into(), port, command: 1, cwd: "/site".into(), environment };
        Mark { started, state: "/nowhere".into() }
    }

    /// Ends what it holds.
    struct Running(Child);

    impl Drop for Running {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_process_is_seen_with_its_mark_and_its_output_also_where_that_was_removed() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().canonicalize().expect("it is there").join("80.log");
        let mark = mark_of(&id("web"), None);
        let mut command = Command::new("sleep");
        command.arg("61").env_clear().envs([mark.variable()]).stdin(Stdio::null()).stderr(Stdio::null());
        let child = Running(command.stdout(File::create(&log).expect("a file")).spawn().expect("sleep is there"));
        let deadline = Instant::now() + Duration::from_secs(10);
        // a program that was only just begun has no command line yet
        let facts = loop {
            let facts = Facts::of(child.0.id()).expect("it can be seen").expect("it runs");
            if facts.command_line() == "sleep 61" {
                break facts;
            }
            assert!(Instant::now() < deadline, "it is still {}", facts.command_line());
            thread::yield_now();
        };
        let outputs = [log.clone(), "/dev/null".into()];
        let seen = Seen::of(facts.clone());
        assert_eq!((seen.outputs, seen.mark), (outputs.to_vec(), Some(mark)));
        std::fs::remove_file(&log).expect("it is ours");
        assert_eq!(Seen::with(facts.clone(), None).outputs, outputs);
        assert!(writes_to_log(facts.pid, &log) && !writes_to_log(facts.pid, Path::new("/elsewhere")));
        assert_eq!(Seen::with(facts, Some(Vec::new())).environment, None, "a title lies over it");
    }
}
