//! Why even root may not see who holds a port.

use std::collections::BTreeSet;

use crate::answer::Answer;

/// Says where a holder may be that is invisible to root; `None` where all are visible.
pub fn unseen_by_root(answer: &Answer) -> Option<String> {
    let ports: BTreeSet<u16> = answer.invisible().map(|holding| holding.socket.local.port()).collect();
    let first = *ports.first()?;
    let port = if ports.len() == 1 { format!("port {first}") } else { format!("{} ports", ports.len()) };
    Some(match answer.unreadable {
        0 => format!(
            "no process here has {port} open: look from its container's or PID namespace's outside; \
             it may also be the kernel's own, or in flight between two processes"
        ),
        1 => format!("one process may not be looked into, even by root: it may hold {port}"),
        count => format!("{count} processes may not be looked into, even by root: one may hold {port}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{answer::Holding, socket::Socket};

    #[test]
    fn root_is_told_what_root_cannot_see_either() {
        let say = |ports: &[u16], unreadable| {
            let socket = |&port: &u16| Socket { local: ([127, 0, 0, 1], port).into(), ..Socket::example() };
            let holdings = ports.iter().map(|port| Holding { socket: socket(port), process: None }).collect();
            unseen_by_root(&Answer { holdings, unreadable, ..Answer::default() })
        };
        assert_eq!(say(&[], 1), None);
        assert_eq!(
            say(&[80], 1).as_deref(),
            Some("one process may not be looked into, even by root: it may hold port 80")
        );
        let elsewhere = say(&[80, 443, 80], 0).expect("a hint");
        assert!(elsewhere.starts_with("no process here has 2 ports open: "), "{elsewhere}");
    }
}
