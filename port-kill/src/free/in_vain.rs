//! What there is to say of one that was named on standard input and holds nothing here: what is known of it goes in, the
//! outcome and its reason come out.

use crate::outcome::Outcome;

/// What is known of one that was named and holds nothing here.
#[derive(Debug, Clone)]
pub(super) struct InVain {
    /// Whether it runs, or why that cannot be seen.
    pub(super) lives: Result<bool, String>,
    /// The network that it is in, or its port, where that is another one.
    pub(super) network: Option<u64>,
    /// The process that it is a thread of.
    pub(super) thread_of: Option<u32>,
    pub(super) port: Option<u16>,
    /// Whether anybody holds that port in this network.
    pub(super) is_port_held: bool,
    /// Whether it may be the owner of a socket whose owner cannot be seen.
    pub(super) may_hold: bool,
}

/// A port that nobody holds here is not held by what cannot be seen either.
pub(super) fn judge(of: &InVain) -> (Outcome, String) {
    let in_network = |network| format!("it is in network namespace {network}, not in this one");
    match (&of.lives, of.network, of.port) {
        (Ok(false), ..) => (Outcome::Gone, "it had ended".to_owned()),
        (Ok(true), Some(network), _) => (Outcome::Refused, in_network(network)),
        (_, None, Some(port)) if !of.is_port_held => (Outcome::Gone, format!("it does not hold port {port}")),
        (Err(why), ..) => (Outcome::Denied, format!("it cannot be seen whether it runs: {why}")),
        (Ok(true), None, port) => match (of.thread_of, port) {
            // kill(2) would reach the process: but what holds ports, and has a start_id, has a PID
            (Some(pid), _) => (Outcome::Refused, format!("it is no process but a thread of process {pid}")),
            (None, Some(port)) if of.may_hold => {
                (Outcome::Denied, format!("it cannot be seen whether it holds port {port}"))
            }
            (None, Some(port)) => (Outcome::Gone, format!("it does not hold port {port}")),
            (None, None) if of.may_hold => (Outcome::Denied, "it cannot be seen what it holds".to_owned()),
            (None, None) => (Outcome::NoPort, "it holds no port".to_owned()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_named_in_vain_is_gone_only_where_that_is_seen() {
        use Outcome::{Denied, Gone, NoPort, Refused};
        let hidden = || Err("hidden".to_owned());
        let of = |lives, network, port, is_port_held| {
            let thread_of = None;
            InVain { lives, network, thread_of, port, is_port_held, may_hold: false }
        };
        for (named, outcome, said) in [
            (of(Ok(false), None, Some(80), true), Gone, "it had ended"),
            (of(Ok(false), Some(9), Some(80), false), Gone, "it had ended"),
            (of(Ok(true), Some(9), Some(80), false), Refused, "it is in network namespace 9, not in this one"),
            (of(Ok(true), Some(9), None, false), Refused, "it is in network namespace 9, not in this one"),
            (of(Ok(true), None, Some(80), false), Gone, "it does not hold port 80"),
            (of(Ok(true), None, Some(80), true), Gone, "it does not hold port 80"),
            (of(Ok(true), None, None, false), NoPort, "it holds no port"),
            (of(hidden(), None, Some(80), false), Gone, "it does not hold port 80"),
            (of(hidden(), None, Some(80), true), Denied, "it cannot be seen whether it runs: hidden"),
            (of(hidden(), Some(9), Some(80), false), Denied, "it cannot be seen whether it runs: hidden"),
            (of(hidden(), None, None, false), Denied, "it cannot be seen whether it runs: hidden"),
        ] {
            assert_eq!(judge(&named), (outcome, said.to_owned()), "{named:?}");
            let InVain { lives, network, port, .. } = &named;
            let is_here = network.is_none() && *lives == Ok(true) && (port.is_none() || named.is_port_held);
            let thread = InVain { thread_of: Some(7), ..named.clone() };
            assert_eq!(judge(&thread).1 == "it is no process but a thread of process 7", is_here, "{thread:?}");
            let unseen = InVain { may_hold: true, ..named.clone() };
            assert_eq!(judge(&unseen).0, if is_here { Denied } else { outcome }, "{unseen:?}");
        }
    }
}
