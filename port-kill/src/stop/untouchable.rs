//! What is never signalled: the tool itself, whoever started it, and the first process.

use std::io;

use proc_tree::{Ancestry, Identity};

/// The processes that are never signalled.
#[derive(Debug, Clone)]
pub(super) struct Untouchable {
    own: u32,
    ancestry: Ancestry,
}

impl Untouchable {
    /// Finds out who the caller and its ancestors are.
    pub(super) fn find() -> io::Result<Self> {
        Ok(Self { own: std::process::id(), ancestry: Ancestry::of_caller()? })
    }

    /// Says why this process must not be signalled; `None` when it may be.
    pub(super) fn refusal(&self, process: Identity) -> Option<&'static str> {
        if process.pid == self.own {
            Some("it is this very process")
        } else if process.pid == 1 {
            Some("it is the first process")
        } else if self.ancestry.certain.contains(&process) {
            Some("it is an ancestor of this process")
        } else if self.ancestry.possible.contains(&process) {
            Some("it may be an ancestor of this process: /proc hides who is above")
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_its_ancestors_and_the_first_process_are_refused_and_a_recycled_pid_is_not_an_ancestor() {
        let untouchable = Untouchable {
            own: 50,
            ancestry: Ancestry {
                certain: vec![Identity { pid: 40, start_id: 7 }, Identity { pid: 1, start_id: 0 }],
                possible: vec![Identity { pid: 30, start_id: 5 }],
            },
        };
        let refusal = |pid, start_id| untouchable.refusal(Identity { pid, start_id });
        assert_eq!(refusal(50, 9), Some("it is this very process"));
        assert_eq!(refusal(1, 0), Some("it is the first process"));
        assert_eq!(refusal(40, 7), Some("it is an ancestor of this process"));
        assert_eq!(refusal(40, 8), None);
        assert_eq!(refusal(30, 5), Some("it may be an ancestor of this process: /proc hides who is above"));
        assert_eq!(refusal(30, 6), None);
        assert_eq!(refusal(51, 9), None);
    }
}
