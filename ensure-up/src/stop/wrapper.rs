//! Programs that run a server and answer a signal late: they pass it on, sleep for two seconds, kill, and only then look
//! whether the server had ended long ago. They end at once when the server does, so that is told first.

use std::{
    io,
    time::{Duration, Instant},
};

use proc_tree::{Handle, Identity, Stat, handle, tree};

/// The names of their processes (su(1) and script(1) of util-linux, doas(1) of OpenDoas).
const LATE: &[&str] = &["su", "runuser", "script", "doas"];

/// How long one may take to end when its server has.
const PATIENCE: Duration = Duration::from_millis(500);

/// Such wrappers, and what they run.
#[derive(Debug, Default)]
pub(super) struct Wrapped {
    wrappers: Vec<Identity>,
    /// What they run.
    pub(super) servers: Vec<Identity>,
}

/// Finds the wrappers in these trees. Below one that cannot be looked at there is none.
pub(super) fn wrapped(roots: &[Identity]) -> Wrapped {
    let mut members: Vec<Stat> = Vec::new();
    for root in roots {
        let tree = tree::members(root.pid).unwrap_or_default();
        let is_it = tree.first().is_some_and(|first| first.identity() == *root);
        members.extend(tree.into_iter().filter(|_| is_it));
    }
    let mut found = Wrapped::default();
    for wrapper in members.iter().filter(|stat| LATE.contains(&stat.name.as_str())) {
        let run = members.iter().filter(|stat| stat.parent == wrapper.pid);
        let before = found.servers.len();
        found.servers.extend(run.map(Stat::identity));
        found.wrappers.extend((found.servers.len() > before).then(|| wrapper.identity()));
    }
    found
}

impl Wrapped {
    pub(super) fn is_empty(&self) -> bool {
        self.servers.is_empty()
    }

    /// Lets the wrappers end by themselves.
    pub(super) fn await_end(&self) -> io::Result<()> {
        let mut open = Vec::new();
        for &wrapper in &self.wrappers {
            open.extend(Handle::open(wrapper)?);
        }
        handle::outliving(open, Instant::now() + PATIENCE).map(drop)
    }
}
