//! A port that takes connections for a process that has ended: whether somebody accepts them all the same.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::Port;

/// How long who connected may wait before a call is told so, which asks again then. One that is busy for longer has a
/// connection open.
const PATIENCE: Duration = Duration::from_millis(300);

/// How often is looked meanwhile.
const LOOK: Duration = Duration::from_millis(20);

/// A port on which only those listen that did so for others, which have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Deserted(pub(crate) Port);

impl Deserted {
    /// Says why nobody accepts; `None` when somebody does. Somebody has connected just now.
    pub(crate) async fn reason(self) -> Option<String> {
        let (mut queue, until) = (Queue::of(self.0), Instant::now() + PATIENCE);
        while Instant::now() < until {
            sleep(LOOK).await;
            let before = std::mem::replace(&mut queue, Queue::of(self.0));
            if queue.is_served(before) {
                return None;
            }
        }
        // which one it was is not known: a watcher may have started others since it was recorded
        Some("nobody accepts connections: the process that did has ended".to_owned())
    }
}

/// Those who have connected to a port.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Queue {
    /// How many wait to be accepted; `None` where nobody tells.
    waiting: Option<u32>,
    /// Whether one was accepted and is open.
    has_open: bool,
}

impl Queue {
    /// Looks at the queue of a port.
    pub(crate) fn of(port: Port) -> Self {
        let texts = ["tcp", "tcp6"].map(|table| std::fs::read_to_string(format!("/proc/self/net/{table}")));
        Self::read(texts.iter().flatten().map(String::as_str), port.number)
    }

    /// Tells whether somebody accepts, from this and the look before. Where it cannot be told, somebody does.
    pub(crate) fn is_served(self, before: Self) -> bool {
        self.has_open || self.waiting.is_none_or(|now| now == 0 || before.waiting.is_some_and(|before| now < before))
    }

    /// Reads the kernel's tables: proc_net_tcp(5). Of a socket that listens the fifth column ends with the length of its
    /// queue; one that was not accepted yet has no inode.
    fn read<'t>(tables: impl Iterator<Item = &'t str>, port: u16) -> Self {
        const LISTEN: &str = "0A";
        const OPEN: [&str; 2] = ["01", "08"];
        let mut queue = Self::default();
        let port = format!(":{port:04X}");
        for line in tables.flat_map(|table| table.lines().skip(1)) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [_, local, _, state, queues, _, _, _, _, inode, ..] = words[..] else { continue };
            if !local.ends_with(&port) {
                continue;
            }
            if state == LISTEN {
                let waiting = queues.split_once(':').and_then(|(_, text)| u32::from_str_radix(text, 16).ok());
                queue.waiting = queue.waiting.unwrap_or(0).checked_add(waiting.unwrap_or(0));
            }
            queue.has_open |= OPEN.contains(&state) && inode != "0";
        }
        queue
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";

    fn row(port: u16, state: &str, waiting: u32, inode: u32) -> String {
        format!(
            "   0: 0100007F:{port:04X} 00000000:0000 {state} 00000000:{waiting:08X} 00:00000000 00000000  0  0 {inode} 1 0"
        )
    }

    #[test]
    fn who_waits_is_counted_and_who_was_accepted_is_seen() {
        let client =
            "   1: 0100007F:C350 0100007F:1F40 01 00000000:00000000 00:00000000 00000000  0  0 9 1 0".to_owned();
        for (rows, waiting, has_open) in [
            (vec![], None, false),
            (vec![row(8000, "0A", 0, 7)], Some(0), false),
            (vec![row(8000, "0A", 18, 7), row(8000, "0A", 2, 8), row(8001, "0A", 5, 9)], Some(20), false),
            // of the other end, and of one that still waits, nothing was accepted
            (vec![row(8000, "0A", 1, 7), client, row(8000, "01", 0, 0)], Some(1), false),
            (vec![row(8000, "0A", 1, 7), row(8000, "08", 0, 12)], Some(1), true),
        ] {
            let table = std::iter::once(HEADER.to_owned()).chain(rows).collect::<Vec<_>>().join("\n");
            let expected = Queue { waiting, has_open };
            assert_eq!(Queue::read([table.as_str()].into_iter(), 8000), expected, "{table}");
        }
    }

    #[test]
    fn somebody_accepts_when_the_queue_is_empty_or_shorter_or_one_is_open_or_nobody_tells() {
        let queue = |waiting, has_open| Queue { waiting, has_open };
        for (before, now, is_served) in [
            (Some(3), queue(Some(3), false), false),
            (Some(3), queue(Some(4), false), false),
            (Some(3), queue(Some(2), false), true),
            (Some(3), queue(Some(0), false), true),
            (Some(3), queue(Some(3), true), true),
            (None, queue(Some(1), false), false),
            (Some(3), queue(None, false), true),
        ] {
            assert_eq!(now.is_served(queue(before, false)), is_served, "{before:?} {now:?}");
        }
    }
}
