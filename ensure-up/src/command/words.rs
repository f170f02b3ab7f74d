//! What the command says to a person: what was done, and of whom.

use std::{env, io::Write, path::Path};

use ensure_up::{
    Action, Outcome, Port, Service, ServiceId,
    service::file::{self, Config},
};
use proc_tree::{
    Identity,
    cli::{
        command_line::quoted,
        duration, size,
        terminal::{Look, PID},
        text,
    },
    process,
    usage::memory::{self, Measure},
};

/// Says something on standard error; there is nothing left to do when that is closed.
pub(super) fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Says in one line what was done.
pub(super) fn sentence(outcome: &Outcome, look: &Look) -> String {
    let Outcome { name, port, .. } = outcome;
    let pid = outcome.identity.map_or_else(|| nobody(port.is_some()).into(), |identity| pid(identity, look));
    let took = duration::elapsed(outcome.took);
    let port = port.map_or_else(String::new, |port| format!(" on port {port}"));
    let head = format!("{} {}{port}", outcome.action.word(), text::escape(name));
    match outcome.action {
        action if action.is_start() => format!("{head} in {took} ({pid})"),
        Action::Joined => format!("{head} after {took} ({pid})"),
        _ => {
            let because =
                outcome.reason.as_ref().map_or_else(String::new, |reason| format!(": {}", text::escape(reason)));
            let is_watched = look.columns.is_some();
            let uses = outcome.identity.map_or_else(String::new, |process| uses(process, is_watched));
            format!("{head} ({pid}{uses}){because}")
        }
    }
}

/// Says why there is no PID: where nothing has a port, there was a job.
pub(super) fn nobody(has_port: bool) -> &'static str {
    if has_port { "owner not visible to you" } else { "ended with status 0" }
}

/// Writes `pid 4711`, with the number in the style of PIDs.
pub(super) fn pid(identity: Identity, look: &Look) -> String {
    format!("pid {}", look.paint(PID, &identity.to_string()))
}

/// Says how to stop a server and to see its log, for somebody who never started one here.
pub(super) fn handling(service: &Service, port: Option<Port>) -> String {
    let handle = handle(&service.id, port).unwrap_or_default();
    format!("; stop: ensure-up --stop {handle}; log: ensure-up --logs {handle}")
}

/// Returns what means a service's server where this call is made: its name if it is found from there, else its port.
pub(super) fn handle(service: &ServiceId, port: Option<Port>) -> Option<String> {
    let name = service.name.as_ref().map(|name| text::escape(&quoted(name)).into_owned());
    match (name, port) {
        (Some(name), _) if is_found_here(&service.folder) => Some(name),
        (_, Some(port)) => Some(port.to_string()),
        (name, None) => name.map(|name| format!("{name} --everywhere")),
    }
}

/// Tells whether the names of a folder are meant by names that are given here.
pub(super) fn is_found_here(folder: &Path) -> bool {
    let is_here = env::current_dir().and_then(|here| here.canonicalize()).is_ok_and(|here| here == *folder);
    is_here || Config::find(None).is_ok_and(|path| file::folder(&path) == *folder)
}

/// `, up 2h14m, 19.8 GiB`, as far as it is known; nobody waits for the exact memory of a server that a script finds up.
fn uses(process: Identity, is_watched: bool) -> String {
    let Some(age) = age(process) else { return String::new() };
    let memory = memory(process.pid, is_watched).map_or_else(String::new, |memory| format!(", {memory}"));
    format!(", {age}{memory}")
}

/// `up 2h14m`; `None` where the process is gone.
pub(super) fn age(of: Identity) -> Option<String> {
    let stat = process::stat_of(of).ok().flatten()?;
    Some(format!("up {}", duration::uptime(stat.uptime())))
}

/// The memory of a tree. The proportional share costs 10 to 40 ms for each GiB, too much for a message: that of a large one is
/// its resident memory, and called that, as where it need not be exact.
pub(super) fn memory(pid: u32, is_exact: bool) -> Option<String> {
    const LARGE: u64 = 512 << 20;
    let resident = memory::resident_of_tree(pid).ok().flatten()?;
    let exact = if !is_exact || resident > LARGE { None } else { memory::of_tree(pid).ok().flatten() };
    let exact = exact.filter(|(_, measure)| *measure != Measure::Rss);
    let exact = exact.and_then(|(memory, measure)| memory.by(measure)).map(size::display);
    Some(exact.unwrap_or_else(|| format!("{} rss", size::display(resident))))
}
