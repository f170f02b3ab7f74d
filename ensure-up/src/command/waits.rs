//! What is waited for, in words: of one server, or of all that are still on their way.

use std::{
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use ensure_up::{Doing, Waiting, log::last};
use proc_tree::cli::{duration, text};

/// The wait for one server.
#[derive(Debug)]
pub(super) struct Wait {
    name: String,
    pub(super) waiting: Waiting,
    log: Option<LastLine>,
}

/// What makes two lines say the same, but for the time.
pub(super) type Key = (String, Doing, Option<String>);

/// A log's last line, and by what it is known to be that still.
#[derive(Debug)]
struct LastLine {
    seen: (u64, Option<SystemTime>),
    text: Option<String>,
}

impl Wait {
    pub(super) fn of(name: &str, waiting: &Waiting) -> Self {
        Self { name: name.to_owned(), waiting: waiting.clone(), log: None }
    }

    /// Reads the last line of the log, when that has changed.
    fn last_line(&mut self) -> Option<&str> {
        let path = self.waiting.log.as_deref()?;
        let found = fs::metadata(path).ok()?;
        let seen = (found.len(), found.modified().ok());
        if self.log.as_ref().is_none_or(|log| log.seen != seen) {
            self.log = Some(LastLine { seen, text: last_line(path) });
        }
        self.log.as_ref()?.text.as_deref()
    }
}

/// Returns the last line that a server has written; what its supervisor adds is known by how it begins.
fn last_line(path: &Path) -> Option<String> {
    const ENOUGH: usize = 10;
    let lines = last::lines(path, ENOUGH);
    let said = |line: &&String| !line.trim().is_empty() && !line.starts_with("ensure-up: ");
    Some(text::escape(lines.iter().rfind(said)?.trim()).into_owned())
}

/// Says what a line is about: how long a stop or a pause still takes is nothing new.
pub(super) fn key(wait: &Wait) -> Key {
    let Waiting { doing, reason, .. } = &wait.waiting;
    (wait.name.clone(), *doing, reason.clone().filter(|_| *doing != Doing::Stopping))
}

/// Words the waits in one line; `None` where nothing is waited for.
pub(super) fn line(waits: Vec<&mut Wait>, took: Duration, limit: Duration, now: SystemTime) -> Option<String> {
    let mut groups: Vec<(String, String)> = Vec::new();
    let is_one = waits.len() == 1;
    for wait in &waits {
        let who = text::escape(if is_one { &wait.waiting.server } else { &wait.name }).into_owned();
        let (before, after) = around(wait.waiting.doing, now);
        match groups.last_mut() {
            Some((head, tail)) if *tail == after && head.starts_with(before) => head.extend([", ", &who]),
            _ => groups.push((format!("{before}{who}"), after)),
        }
    }
    let head: Vec<String> = groups.into_iter().map(|(head, after)| head + &after).collect();
    let mut line = format!("{}  {} s", head.join("; "), took.as_secs());
    if is_one && !limit.is_zero() {
        line.extend([" of ", &whole_seconds(limit)]);
    }
    // of several, the first that has something to say
    if let Some(wait) = waits.into_iter().find(|wait| is_one || wait.waiting.reason.is_some()) {
        let reason = wait.waiting.reason.as_deref().map(text::escape).unwrap_or_default().into_owned();
        if !reason.is_empty() {
            let whose = if is_one { String::new() } else { format!("{}: ", text::escape(&wait.name)) };
            line.extend(["  ", &whose, &reason]);
        }
        // how a server ended is told with what it said last
        if let Some(last) = wait.last_line().filter(|last| !reason.ends_with(last)) {
            line.extend(["  \"", last, "\""]);
        }
    }
    (!head.is_empty()).then_some(line)
}

/// Returns what stands before and after the server.
fn around(doing: Doing, now: SystemTime) -> (&'static str, String) {
    match doing {
        Doing::Starting => ("starting ", String::new()),
        Doing::Joining(by) => ("joining the start of ", by.map_or_else(String::new, |pid| format!(" by pid {pid}"))),
        Doing::Awaiting => ("waiting for ", String::new()),
        Doing::Restarting(at) => {
            let left = at.duration_since(now).unwrap_or_default().as_millis().div_ceil(1000);
            ("restarting ", if left == 0 { String::new() } else { format!(" in {left} s") })
        }
        Doing::Stopping => ("stopping ", String::new()),
    }
}

/// Shows a limit: whole seconds as seconds.
fn whole_seconds(limit: Duration) -> String {
    if limit.subsec_nanos() == 0 { format!("{} s", limit.as_secs()) } else { duration::elapsed(limit) }
}

/// Says what became of a server when its start was given up.
pub(super) fn interrupted(name: &str, last: Option<&Waiting>) -> String {
    let name = text::escape(name);
    match last {
        None => format!("{name} was not started"),
        Some(Waiting { is_own: true, pid: Some(pid), .. }) => format!("stopped {name} (pid {pid})"),
        Some(Waiting { is_own: true, .. }) => format!("stopped {name}"),
        Some(Waiting { doing: Doing::Stopping, server, .. }) => {
            format!("the stop of {} was interrupted; {name} was not started", text::escape(server))
        }
        Some(Waiting { doing: Doing::Joining(Some(pid)), .. }) => format!("{name} goes on: pid {pid} starts it"),
        Some(_) => format!("{name} goes on: it was there before"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(name: &str, doing: Doing, reason: Option<&str>) -> Wait {
        let server = format!("{name} on port 8000");
        let reason = reason.map(str::to_owned);
        Wait::of(name, &Waiting { doing, server, pid: None, is_own: false, reason, log: None })
    }

    #[test]
    fn a_line_says_what_how_long_of_how_much_why_and_the_last_of_the_log() {
        let now = SystemTime::now();
        let soon = Doing::Restarting(now + Duration::from_millis(3500));
        for (mut waits, limit, expected) in [
            (vec![], 60, None),
            (
                vec![wait("uv", Doing::Starting, Some("503 Service Unavailable"))],
                60,
                Some("starting uv on port 8000  12 s of 60 s  503 Service Unavailable"),
            ),
            (vec![wait("uv", Doing::Starting, None)], 0, Some("starting uv on port 8000  12 s")),
            (
                vec![wait("uv", Doing::Joining(Some(4690)), Some("refused"))],
                60,
                Some("joining the start of uv on port 8000 by pid 4690  12 s of 60 s  refused"),
            ),
            (vec![wait("uv", Doing::Awaiting, None)], 1, Some("waiting for uv on port 8000  12 s of 1 s")),
            (
                vec![wait("uv", soon, Some("ended with status 1"))],
                60,
                Some("restarting uv on port 8000 in 4 s  12 s of 60 s  ended with status 1"),
            ),
            (
                vec![
                    wait("api", Doing::Starting, None),
                    wait("web", Doing::Starting, Some("\u{1b}503")),
                    wait("db", soon, Some("ended")),
                ],
                60,
                Some("starting api, web; restarting db in 4 s  12 s  web: \\u{1b}503"),
            ),
        ] {
            let line = line(waits.iter_mut().collect(), Duration::from_secs(12), Duration::from_secs(limit), now);
            assert_eq!(line.as_deref(), expected);
        }
    }

    #[test]
    fn the_log_adds_the_last_line_that_the_server_wrote() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let log = folder.path().join("log");
        let mut one = wait("uv", Doing::Starting, None);
        one.waiting.log = Some(log.clone());
        one.waiting.reason = Some("its log ends: fatal".into());
        let mut said = || line(vec![&mut one], Duration::ZERO, Duration::ZERO, SystemTime::now()).expect("a line");
        let start = "starting uv on port 8000  0 s  its log ends: fatal";
        assert_eq!(said(), start);
        for (text, expected) in [
            ("", ""),
            ("loading\n", "  \"loading\""),
            ("loading\n shard \u{7}2\n\n", "  \"shard \\u{7}2\""),
            ("shard\nensure-up: 2026 it ended\n", "  \"shard\""),
            ("shard\nfatal\n", ""),
        ] {
            fs::write(&log, text).expect("the folder is ours");
            assert_eq!(said(), format!("{start}{expected}"));
        }
    }

    #[test]
    fn what_was_begun_is_stopped_and_what_was_there_goes_on() {
        let own = |pid| Waiting { is_own: true, pid, ..wait("uv", Doing::Starting, None).waiting };
        let other = |doing| wait("uv", doing, None).waiting;
        for (last, expected) in [
            (None, "uv was not started"),
            (Some(own(Some(4711))), "stopped uv (pid 4711)"),
            (Some(own(None)), "stopped uv"),
            (Some(other(Doing::Joining(Some(4690)))), "uv goes on: pid 4690 starts it"),
            (Some(other(Doing::Awaiting)), "uv goes on: it was there before"),
            (Some(other(Doing::Stopping)), "the stop of uv on port 8000 was interrupted; uv was not started"),
        ] {
            assert_eq!(interrupted("uv", last.as_ref()), expected);
        }
    }
}
