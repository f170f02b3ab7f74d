//! Why a server is not up, or not gone, for a person: the message, the end of its log, who holds its port, and what would help.

mod pattern;

use ensure_up::{
    Failure, Holding, Ports, Service,
    log::last,
    report::{
        explanation::{Explanation, LOG_ENDS, LogEnd, TRY_AGAIN, continued},
        moment,
        start_record::StartRecord,
    },
};
use proc_tree::{
    cli::{duration, text},
    users,
};

use super::words::{handle, memory};

/// Describes a service that is not up.
pub(super) fn failed(failure: &Failure, service: &Service) -> StartRecord {
    StartRecord::failed(&service.name(), service.ports.and_then(Ports::only), failure, text::failure(failure))
        .in_folder(&service.id.folder)
}

/// Explains a failure that is all in its message.
pub(super) fn message(message: String) -> Explanation {
    Explanation { message, ..Explanation::default() }
}

/// Explains why a server is not up: the message, the end of its log, who holds its port, hints.
pub(super) fn explain(failure: &Failure, service: &Service) -> Explanation {
    let log = failure.log().map(|path| {
        let lines = last::lines(path, last::SHOWN);
        let port = service.ports.and_then(Ports::only);
        let shown_by =
            handle(&service.id, port).map_or_else(|| text::path(path), |handle| format!("ensure-up --logs {handle}"));
        LogEnd { shown_by, lines: lines.iter().map(|line| text::escape(line).into_owned()).collect() }
    });
    let mut explanation = Explanation { log, ..concerning(failure) };
    if let Failure::Broken { reason, .. } = failure {
        if explanation.log.is_some()
            && let Some(end) = explanation.message.find(LOG_ENDS)
        {
            // it stands below
            explanation.message.truncate(end);
        }
        let holds = service.spec.supervision.hold_socket.is_some();
        explanation.hints.extend(Some(TAKE_SOCKET.into()).filter(|_| holds && binds_itself(reason)));
    }
    explanation
}

/// Explains a failure without a log: the message, who holds the port, hints.
fn concerning(failure: &Failure) -> Explanation {
    let is_own = matches!(failure, Failure::Another { .. } | Failure::Changed { .. });
    let mut details: Vec<String> = Vec::new();
    for holding in failure.holdings() {
        let shown = holder(holding, is_own);
        // one that listens on two addresses holds the port twice
        details.extend(Some(shown).filter(|shown| !details.contains(shown)));
    }
    Explanation {
        details,
        hints: hint(failure).into_iter().collect(),
        ..message(moment::local(&text::failure(failure)).into_owned())
    }
}

/// Explains that a server is not gone, or that another one is where it was: what would free the port.
pub(super) fn in_the_way(failure: &Failure) -> Explanation {
    let explanation = concerning(failure);
    match freeing(failure) {
        Some(frees) => Explanation { hints: vec![frees], ..explanation },
        None => explanation,
    }
}

/// Describes a holder; of one of this user's own services whose and where is told already.
fn holder(holding: &Holding, is_own: bool) -> String {
    let Some(process) = &holding.process else {
        let user = holding.socket.as_ref().and_then(|socket| socket.uid).map_or_else(|| "?".into(), users::title);
        return format!("?  (not visible to you)   user {user}");
    };
    let mut facts = Vec::new();
    if !is_own {
        facts.extend(process.uid.map(|uid| format!("user {}", users::title(uid))));
        facts.extend(process.cwd.as_ref().map(|cwd| format!("folder {}", text::path(cwd))));
    }
    facts.push(format!("up {}", duration::uptime(process.uptime())));
    facts.extend(memory(process.pid, true));
    format!("{}  {}   {}", process.pid, text::escape(&process.command_line()), facts.join(", "))
}

/// What helps a server that binds the port which is held for it.
const TAKE_SOCKET: &str = "with --hold-socket the server takes its socket from descriptor 3 (LISTEN_FDS) and does not bind \
    the port itself: uvicorn --fd 3, gunicorn without --bind, node listen({fd: 3})";

/// Tells whether a server ended because its address was in use.
fn binds_itself(reason: &str) -> bool {
    let reason = reason.to_lowercase();
    ["address already in use", "eaddrinuse"].iter().any(|words| reason.contains(words))
        && !reason.contains("could not be started")
}

fn hint(failure: &Failure) -> Option<String> {
    match failure {
        Failure::Stopped { failure, .. } => hint(failure),
        Failure::Changed { .. } => Some("--restart-if-changed restarts it".into()),
        Failure::Another { .. } => {
            let frees = freeing(failure)?;
            Some(format!("{frees}; --replace stops it and starts this one; or take another port"))
        }
        Failure::Foreign { holdings, .. } => {
            let frees = freeing(failure)?;
            Some(accepting(holdings).map_or_else(|| frees.clone(), |accepts| format!("{frees}; {accepts}")))
        }
        Failure::Shared { holdings, .. } => Some(unsharing(holdings)),
        Failure::Broken { .. } => Some(TRY_AGAIN.into()),
        Failure::Halted { supervisor, .. } => Some(continued(*supervisor)),
        _ => None,
    }
}

/// Says what frees a port that is another's.
fn freeing(failure: &Failure) -> Option<String> {
    match failure {
        Failure::Another { at, .. } => Some(format!("ensure-up --stop {at} stops it")),
        Failure::Foreign { port, holdings, .. } => {
            let is_visible = holdings.iter().any(|holding| holding.process.is_some());
            let sudo = if is_visible { "" } else { "sudo " };
            Some(format!("{sudo}port-kill {port} frees it"))
        }
        _ => None,
    }
}

/// Says what ends a program that shares a port with the server, or leaves it there.
fn unsharing(holdings: &[Holding]) -> String {
    let pids = proc_tree::ascending(Holding::processes(holdings).map(|process| process.pid));
    let pids: Vec<String> = pids.iter().map(u32::to_string).collect();
    let ends = if pids.is_empty() { String::new() } else { format!("kill {} ends it; ", pids.join(" ")) };
    format!("{ends}--adopt any takes the server all the same")
}

/// Says what takes what holds a port, or its place.
fn accepting(holdings: &[Holding]) -> Option<String> {
    let process = Holding::processes(holdings).next()?;
    let pattern = pattern::of(&process.command_line()).replace('\'', "'\\''");
    Some(format!("--replace does both; --match '{pattern}' accepts it"))
}
