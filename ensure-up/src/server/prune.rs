//! What is kept of servers that ended, and for how long: their records, what is noted of their uses, and their logs in the
//! state folder.

use std::{
    fs::{self, DirEntry},
    io,
    path::Path,
    time::{Duration, SystemTime},
};

use super::{
    files,
    folder::{StateFolder, unless_deleted},
    lock::{self, Lock},
    record::ServerRecord,
};

/// A record of a server that ended is kept for so long.
const RECORD: Duration = Duration::from_hours(7 * 24);

/// A log that nobody wrote to for so long is that of a server long gone.
const LOG: Duration = Duration::from_hours(14 * 24);

/// Removes what is about servers long gone, as far as it can: when a server is to be started, that is nobody's concern.
pub(crate) fn prune(state_folder: &StateFolder) {
    let _ = forget(state_folder);
}

fn forget(state_folder: &StateFolder) -> io::Result<()> {
    let mut alive = Vec::new();
    for record in ServerRecord::all(state_folder)? {
        let path = state_folder.of_service(&record.service, record.port, "json");
        if record.is_alive()? || !is_older(fs::metadata(&path)?.modified()?, RECORD) {
            alive.push(files::stem(&record.service, record.port));
        } else {
            record.remove(state_folder)?;
        }
    }
    for entry in fs::read_dir(&state_folder.path)? {
        let entry = entry?;
        if alive.iter().any(|stem| entry.file_name().to_string_lossy().starts_with(stem)) {
            continue;
        }
        if is_old_log(&entry)? {
            fs::remove_file(entry.path())?;
        } else if files::is_ours(&entry.path(), lock::USE) || files::is_ours(&entry.path(), lock::WANTED) {
            forget_uses(&entry.path(), RECORD)?;
        }
    }
    Ok(())
}

/// Removes what is noted of the uses of a server that was forgotten, where nobody has noted anything for so long or holds it:
/// a use may begin before there is a record.
fn forget_uses(path: &Path, age: Duration) -> io::Result<()> {
    let (uses, wanted) = (path.with_extension(lock::USE), path.with_extension(lock::WANTED));
    let is_old = |path: &Path| path.metadata().and_then(|found| found.modified()).map_or(true, |at| is_older(at, age));
    if !is_old(&uses) || !is_old(&wanted) {
        return Ok(());
    }
    let Some(_lock) = Lock::take_at_once(&uses)? else { return Ok(()) };
    for path in [wanted, uses] {
        unless_deleted(fs::remove_file(path))?;
    }
    Ok(())
}

fn is_old_log(entry: &DirEntry) -> io::Result<bool> {
    Ok(files::is_ours(&entry.path(), "log") && is_older(entry.metadata()?.modified()?, LOG))
}

fn is_older(at: SystemTime, age: Duration) -> bool {
    SystemTime::now().duration_since(at).is_ok_and(|since| since > age)
}
