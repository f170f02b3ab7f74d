//! The session that a server was started in: it outlives its leader, and so tells whose a process is.

use proc_tree::{Identity, process};

/// A process that began a session, and who has its PID by now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Root {
    /// The process that was started or recorded.
    pub(crate) identity: Identity,
    /// Whether its PID is another process's by now: then the session with that number may be that one's.
    pub(crate) is_reused: bool,
}

impl Root {
    /// Looks who has the PID now. What cannot be told counts as reused.
    pub(crate) fn of(identity: Identity) -> Self {
        let is_its_own = process::stat(identity.pid).is_ok_and(|now| now.is_none_or(|now| now.identity() == identity));
        Self { identity, is_reused: !is_its_own }
    }

    /// Tells whether a process of this session is of the one that this root began.
    ///
    /// The number of a session is given to no process while it has members. Session 0 is the kernel's, and in a PID namespace
    /// that of everybody who came from outside.
    pub(crate) fn began(self, session: u32) -> bool {
        session == self.identity.pid && session != 0 && !self.is_reused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_the_roots_while_its_number_is() {
        let root = |is_reused| Root { identity: Identity { pid: 7, start_id: 100 }, is_reused };
        for (is_reused, session, is_its) in [(false, 7, true), (false, 8, false), (true, 7, false), (true, 8, false)] {
            assert_eq!(root(is_reused).began(session), is_its, "{is_reused} {session}");
        }
        let nobody = Root { identity: Identity { pid: 0, start_id: 0 }, is_reused: false };
        assert!(!nobody.began(0), "a record that names no process has no session");
    }

    #[test]
    fn a_number_is_reused_where_another_process_has_it() {
        let Identity { pid, start_id } = Identity::of(std::process::id()).expect("it can be seen").expect("it runs");
        // no kernel gives so high a PID
        for (pid, start_id, is_reused) in [(pid, start_id, false), (pid, start_id + 1, true), (1 << 30, 1, false)] {
            let identity = Identity { pid, start_id };
            assert_eq!(Root::of(identity), Root { identity, is_reused });
        }
    }
}
