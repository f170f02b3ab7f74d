//! The supervisor of a holder, where there is one that stops its server when it is stopped itself.

use std::io;

use proc_tree::{Facts, process, tree};

/// Finds the `ensure-up --keep-up` above a process: it runs as `ensure-up --supervise FILE`, stops its server on SIGTERM,
/// and would start the server again if that alone were stopped.
///
/// # Errors
/// When an ancestor cannot be looked at.
pub(super) fn of(holder: &Facts) -> io::Result<Option<Facts>> {
    let Some(stat) = process::stat(holder.pid)? else { return Ok(None) };
    let above = tree::ancestors(&stat)?.into_iter().filter(|ancestor| ancestor.name.starts_with("ensure-up"));
    Ok(above.map(Facts::from_stat).find(|ancestor| is_supervisor(ancestor, holder)))
}

/// A stranger's process may call itself anything.
fn is_supervisor(ancestor: &Facts, holder: &Facts) -> bool {
    let says_so = ancestor.command.as_ref().and_then(|words| words.get(1)).is_some_and(|word| word == "--supervise");
    says_so && (ancestor.uid == Some(0) || ancestor.uid == holder.uid)
}
