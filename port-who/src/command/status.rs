//! How the tool ends.

use proc_tree::cli::status::Exit;

/// The tool's exit statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Status {
    /// Something was found, or done.
    Done = 0,
    /// Nothing holds the ports, or fewer are free than asked for.
    No = 1,
    /// The tool could not do its work.
    Failed = 125,
}

impl Status {
    /// The statuses as `--help` lists them.
    pub(crate) const HELP: &[(&str, &str)] = &[
        ("0", "something holds a port, visible or not; --free: so many are free"),
        ("1", "nothing does (a note tells what else uses it); --free: fewer are free"),
        ("2", "usage: a bad flag, port, user or pattern; nothing was done"),
        ("125", "port-who itself could not do its work"),
    ];
}

impl From<Status> for Exit {
    fn from(status: Status) -> Self {
        Self::Code(status as u8)
    }
}
