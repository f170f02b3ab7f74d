//! What would help, where an answer is not the whole one.

use std::io;

use crate::{Answer, Free, LookError, PortSpec, SocketTableError};

/// More ports than these are not named one by one.
const NAMED: usize = 5;

/// Says what would show the holders that are not visible; `root` is whether the caller may already look into others'
/// processes.
pub fn invisible(answer: &Answer, asked: &[PortSpec], root: bool) -> Option<String> {
    let mut ports: Vec<u16> = answer.invisible().map(|holding| holding.socket.local.port()).collect();
    ports.dedup();
    let first = *ports.first()?;
    if root {
        let port = if ports.len() == 1 { format!("port {first}") } else { format!("{} ports", ports.len()) };
        return Some(match answer.unreadable {
            0 => format!(
                "no process here has {port} open: look from its container's or PID namespace's outside; \
                 it may also be the kernel's own, or in flight between two processes"
            ),
            1 => format!("one process may not be looked into, even by root: it may hold {port}"),
            count => format!("{count} processes may not be looked into, even by root: one may hold {port}"),
        });
    }
    let named: Vec<String> = match ports.len() {
        ..=NAMED => ports.iter().map(u16::to_string).collect(),
        _ => asked.iter().map(PortSpec::to_string).collect(),
    };
    let command = std::iter::once("sudo port-who".to_owned()).chain(named).collect::<Vec<_>>().join(" ");
    Some(format!("{command} shows the {}", if ports.len() == 1 { "process" } else { "processes" }))
}

/// Says that some sockets may be missing in an answer.
pub fn hidden(answer: &Answer) -> Option<String> {
    let (processes, show, theirs) = match answer.hidden {
        0 => return None,
        1 => ("one process".to_owned(), "does not show its", "it"),
        count => (format!("{count} processes"), "do not show their", "them"),
    };
    Some(if cfg!(target_os = "macos") {
        format!("{processes} {show} sockets to you: sudo port-who sees {theirs} too")
    } else {
        format!("{processes} {show} network namespace: sockets in there may be missing here")
    })
}

/// Says what would help against a failure.
pub fn failed(error: &LookError) -> Option<&'static str> {
    let LookError::Sockets(SocketTableError::Namespaces(source) | SocketTableError::Namespace(_, source)) = error
    else {
        return None;
    };
    (source.kind() == io::ErrorKind::PermissionDenied)
        .then_some("root may look into other network namespaces: use sudo")
}

/// Says why a port that nobody holds was left out.
pub fn left_out(free: &Free) -> Vec<String> {
    let forbidden = free.forbidden.map(|port| format!("port {port} is free, but only root may bind it"));
    let foreign = free.foreign.map(|address| format!("{address} is no address of this machine"));
    forbidden.into_iter().chain(foreign).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Holding, Socket};

    fn unseen(ports: impl IntoIterator<Item = u16>, unreadable: usize) -> Answer {
        let socket = |port| Socket { local: ([127, 0, 0, 1], port).into(), ..Socket::example() };
        let holdings = ports.into_iter().map(|port| Holding { socket: socket(port), process: None }).collect();
        Answer { holdings, unreadable, hidden: 0 }
    }

    #[test]
    fn a_user_is_told_to_ask_as_root() {
        let say = |answer: &Answer, asked: &[&str]| {
            let asked: Vec<PortSpec> = asked.iter().map(|spec| spec.parse().expect("a port")).collect();
            invisible(answer, &asked, false)
        };
        assert_eq!(say(&unseen([5432], 3), &["5432"]).as_deref(), Some("sudo port-who 5432 shows the process"));
        assert_eq!(say(&unseen([22, 80, 80], 3), &[]).as_deref(), Some("sudo port-who 22 80 shows the processes"));
        let many = unseen(8000..8010, 3);
        assert_eq!(say(&many, &["8000-8099"]).as_deref(), Some("sudo port-who 8000-8099 shows the processes"));
        assert_eq!(say(&many, &[]).as_deref(), Some("sudo port-who shows the processes"));
        assert_eq!(say(&Answer::default(), &[]), None);
    }

    #[test]
    fn processes_that_hide_where_they_are_are_counted() {
        let hidden = |count| hidden(&Answer { hidden: count, ..Answer::default() });
        assert_eq!(hidden(0), None);
        assert!(hidden(1).is_some_and(|hint| hint.starts_with("one process does not show its ")));
        assert!(hidden(3).is_some_and(|hint| hint.starts_with("3 processes do not show their ")));
    }

    #[test]
    fn root_is_told_what_root_cannot_see_either() {
        let barred = invisible(&unseen([80], 1), &[], true).expect("a hint");
        assert_eq!(barred, "one process may not be looked into, even by root: it may hold port 80");
        let elsewhere = invisible(&unseen([80], 0), &[], true).expect("a hint");
        assert!(elsewhere.starts_with("no process here has port 80 open: "), "{elsewhere}");
    }
}
