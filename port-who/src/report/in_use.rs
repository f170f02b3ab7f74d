//! What is on a port that nobody listens on and that is not free, in words.

use proc_tree::users;

use crate::{
    answer::Holding,
    port::Protocol,
    socket::{Socket, State},
};

/// More than these are not named one by one.
const NAMED: usize = 3;

/// Says what uses a port: `a connection of curl (5120) uses it`, or who serves it: `node (5120) listens on 127.0.0.1`. Nothing
/// means that the kernel does not list it.
pub fn in_use(by: &[Holding]) -> String {
    let is_held = by.iter().any(|holding| holding.socket.state.is_holding());
    let mut users: Vec<String> = Vec::new();
    for holding in by.iter().filter(|holding| holding.socket.state.is_holding() == is_held) {
        let user = if is_held { listener(holding) } else { user(holding) };
        if !users.contains(&user) {
            users.push(user);
        }
    }
    let more = users.len().saturating_sub(NAMED);
    users.truncate(NAMED);
    if more > 0 {
        users.push(if more == 1 { "one more".to_owned() } else { format!("{more} more") });
    }
    match users.as_slice() {
        [] => "a socket that the kernel does not list uses it".to_owned(),
        [one] if is_held => one.clone(),
        [first @ .., last] if is_held => format!("{} and {last}", first.join(", ")),
        [one] => format!("{one} uses it"),
        [first @ .., last] => format!("{} and {last} use it", first.join(", ")),
    }
}

fn user(holding: &Holding) -> String {
    let socket = &holding.socket;
    let what = match (socket.protocol, socket.state) {
        (_, State::TimeWait) => return "a connection that has ended and lingers (TIME-WAIT)".to_owned(),
        (_, State::Close) => "a bound socket",
        (Protocol::Tcp, _) => "a connection",
        (Protocol::Udp, _) => "a connected UDP socket",
    };
    match &holding.process {
        Some(process) => format!("{what} of {} ({})", process.name, process.pid),
        None if socket.inode == 0 => format!("{what} that its process has closed"),
        None => format!("{what} of {}", unseen(socket)),
    }
}

fn listener(holding: &Holding) -> String {
    let who = match &holding.process {
        Some(process) => format!("{} ({})", process.name, process.pid),
        None => unseen(&holding.socket),
    };
    format!("{who} listens on {}", holding.socket.local.ip())
}

fn unseen(socket: &Socket) -> String {
    let user = socket.uid.map(users::title);
    let user = user.map(|user| format!(" (user {user})")).unwrap_or_default();
    format!("a process that is not visible to you{user}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example;

    fn holding(state: State, inode: u64, name: Option<&str>) -> Holding {
        let process = name.map(|name| example::process(5120, 1, name));
        Holding { socket: Socket { state, inode, uid: None, ..Socket::example() }, process }
    }

    #[test]
    fn each_kind_of_user_is_named_once() {
        let curl = holding(State::Established, 1, Some("curl"));
        let udp = Socket { protocol: Protocol::Udp, ..curl.socket.clone() };
        let udp = Holding { socket: udp, ..holding(State::Established, 2, Some("dig")) };
        let lingers = holding(State::TimeWait, 0, None);
        for (by, said) in [
            (vec![], "a socket that the kernel does not list uses it"),
            (vec![curl.clone()], "a connection of curl (5120) uses it"),
            (vec![curl.clone(), curl.clone()], "a connection of curl (5120) uses it"),
            (vec![holding(State::Close, 1, Some("nc"))], "a bound socket of nc (5120) uses it"),
            (vec![udp.clone()], "a connected UDP socket of dig (5120) uses it"),
            (vec![lingers.clone(), lingers.clone()], "a connection that has ended and lingers (TIME-WAIT) uses it"),
            (vec![holding(State::FinWait2, 0, None)], "a connection that its process has closed uses it"),
            (vec![holding(State::Close, 1, None)], "a bound socket of a process that is not visible to you uses it"),
            (vec![holding(State::Listen, 1, Some("node")), curl.clone()], "node (5120) listens on 127.0.0.1"),
            (vec![holding(State::Listen, 1, None)], "a process that is not visible to you listens on 127.0.0.1"),
            (
                vec![holding(State::Listen, 1, Some("a")), holding(State::Listen, 2, Some("b"))],
                "a (5120) listens on 127.0.0.1 and b (5120) listens on 127.0.0.1",
            ),
            (vec![curl.clone(), udp], "a connection of curl (5120) and a connected UDP socket of dig (5120) use it"),
        ] {
            assert_eq!(in_use(&by), said);
        }
        let many: Vec<Holding> =
            ["a", "b", "c", "d", "e"].map(|name| holding(State::Established, 1, Some(name))).to_vec();
        assert!(in_use(&many).ends_with(", a connection of c (5120) and 2 more use it"), "{}", in_use(&many));
    }
}
