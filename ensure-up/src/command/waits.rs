//! What is waited for, in words: of one server, or of all that are still on their way.

use std::{
    cmp::Reverse,
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use ensure_up::{Clock, Doing, Waiting, log::last};
use proc_tree::cli::{duration, text};

use super::wait_line::WaitLine;

/// The wait for one server.
#[derive(Debug)]
pub(super) struct Wait {
    name: String,
    clock: Clock,
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
    pub(super) fn of(name: &str, clock: Clock, waiting: &Waiting) -> Self {
        Self { name: name.to_owned(), clock, waiting: waiting.clone(), log: None }
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
pub(super) fn line(waits: Vec<&mut Wait>, now: SystemTime) -> Option<WaitLine> {
    let is_one = waits.len() == 1;
    let heads = match waits.as_slice() {
        [] => return None,
        [one] => of_one(&one.waiting, now),
        several => of_several(several, now),
    };
    // of several, the one that has the least time left, or else has waited longest
    let left = |wait: &&mut Wait| (wait.clock.deadline.is_none(), wait.clock.deadline, Reverse(wait.clock.took()));
    let times = waits.iter().min_by_key(|wait| left(wait)).map(|wait| times(&wait.clock)).unwrap_or_default();
    let mut line = WaitLine { heads, times, ..WaitLine::default() };
    // of several, the first that has something to say
    if let Some(wait) = waits.into_iter().find(|wait| is_one || wait.waiting.reason.is_some()) {
        let reason = wait.waiting.reason.as_deref().map(text::escape).unwrap_or_default().into_owned();
        let whose = if is_one { String::new() } else { format!("{}: ", text::escape(&wait.name)) };
        line.reason = (!reason.is_empty()).then(|| whose + &reason);
        // how a server ended is told with what it said last
        line.log = wait.last_line().filter(|last| !reason.contains(last)).map(str::to_owned);
    }
    Some(line)
}

/// Returns what is done about a server, longest first: with its port and who does it, without the one, without either.
fn of_one(waiting: &Waiting, now: SystemTime) -> Vec<String> {
    let server = text::escape(&waiting.server);
    let name = server.rsplit_once(" on port ").map_or(&*server, |(name, _)| name);
    let (before, after) = around(waiting.doing, now);
    let (short, left) = match waiting.doing {
        Doing::Joining(_) => ("joining ", ""),
        _ => (before, after.as_str()),
    };
    vec![format!("{before}{server}{after}"), format!("{short}{server}{left}"), format!("{short}{name}{left}")]
}

/// Returns what is done about several: with their names, and how many they are.
fn of_several(waits: &[&mut Wait], now: SystemTime) -> Vec<String> {
    let mut groups: Vec<(String, String)> = Vec::new();
    for wait in waits {
        let who = text::escape(&wait.name);
        let (before, after) = around(wait.waiting.doing, now);
        match groups.last_mut() {
            Some((head, tail)) if *tail == after && head.starts_with(before) => head.extend([", ", &who]),
            _ => groups.push((format!("{before}{who}"), after)),
        }
    }
    let all: Vec<String> = groups.into_iter().map(|(head, after)| head + &after).collect();
    let doing = |wait: &&mut Wait| around(wait.waiting.doing, now);
    let short = match (waits.first().map(doing), waits.len()) {
        (Some(first), count) if waits.iter().all(|wait| doing(wait) == first) => {
            format!("{}{count} services{}", first.0, first.1)
        }
        (_, count) => format!("{count} services on their way"),
    };
    vec![all.join("; "), short]
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

/// Returns how long it has taken of how long it may take, and without that.
fn times(clock: &Clock) -> Vec<String> {
    let took = format!("{} s", clock.took().as_secs());
    let limit = Some(clock.limit()).filter(|limit| !limit.is_zero());
    limit.map(|limit| format!("{took} of {}", whole_seconds(limit))).into_iter().chain([took.clone()]).collect()
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

    fn wait(name: &str, limit: u64, doing: Doing, reason: Option<&str>) -> Wait {
        let (server, reason) = (format!("{name} on port 8000"), reason.map(str::to_owned));
        let clock = Clock::start(Some(limit).filter(|&limit| limit > 0).map(Duration::from_secs));
        Wait::of(name, clock, &Waiting { doing, server, pid: None, is_own: false, reason, log: None })
    }

    #[test]
    fn a_line_says_what_how_long_of_how_much_why_and_the_last_of_the_log() {
        let now = SystemTime::now();
        let soon = Doing::Restarting(now + Duration::from_millis(3500));
        let due = Doing::Restarting(SystemTime::UNIX_EPOCH);
        for (mut waits, whole, short) in [
            (
                vec![wait("uv", 60, Doing::Starting, Some("503 Service Unavailable"))],
                "starting uv on port 8000  0 s of 60 s  503 Service Unavailable",
                "starting uv",
            ),
            (vec![wait("uv", 0, Doing::Starting, None)], "starting uv on port 8000  0 s", "starting uv"),
            (
                vec![wait("uv", 60, Doing::Joining(Some(4690)), Some("refused"))],
                "joining the start of uv on port 8000 by pid 4690  0 s of 60 s  refused",
                "joining uv",
            ),
            (vec![wait("uv", 1, Doing::Awaiting, None)], "waiting for uv on port 8000  0 s of 1 s", "waiting for uv"),
            (
                vec![wait("uv", 60, soon, Some("ended with status 1"))],
                "restarting uv on port 8000 in 4 s  0 s of 60 s  ended with status 1",
                "restarting uv in 4 s",
            ),
            (
                vec![wait("uv", 60, due, Some("ended with status 1; no answer"))],
                "restarting uv on port 8000  0 s of 60 s  ended with status 1; no answer",
                "restarting uv",
            ),
            (
                vec![
                    wait("api", 0, Doing::Starting, None),
                    wait("web", 90, Doing::Starting, Some("\u{1b}503")),
                    wait("db", 60, soon, Some("ended")),
                ],
                "starting api, web; restarting db in 4 s  0 s of 60 s  web: \\u{1b}503",
                "3 services on their way",
            ),
        ] {
            let line = line(waits.iter_mut().collect(), now).expect("something is waited for");
            assert_eq!(line.whole(), whole);
            assert_eq!(line.heads.last().map(String::as_str), Some(short));
        }
        assert!(line(Vec::new(), now).is_none());
    }

    #[test]
    fn the_log_adds_the_last_line_that_the_server_wrote() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let log = folder.path().join("log");
        let mut one = wait("uv", 0, Doing::Starting, None);
        one.waiting.log = Some(log.clone());
        one.waiting.reason = Some("its log ends: fatal".into());
        let mut said = || line(vec![&mut one], SystemTime::now()).expect("a line").whole();
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
        let own = |pid| Waiting { is_own: true, pid, ..wait("uv", 0, Doing::Starting, None).waiting };
        let other = |doing| wait("uv", 0, doing, None).waiting;
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
