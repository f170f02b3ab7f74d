//! What is kept of servers that ended, and for how long: their records, and their logs in the state folder.

use std::{
    fs::{self, DirEntry},
    io,
    time::{Duration, SystemTime},
};

use super::{files, folder::Folders, record::ServerRecord};

/// A record of a server that ended is kept for so long.
const RECORD: Duration = Duration::from_hours(7 * 24);

/// A log that nobody wrote to for so long is that of a server long gone.
const LOG: Duration = Duration::from_hours(14 * 24);

/// Removes what is about servers long gone.
///
/// # Errors
/// When the folder cannot be read, or something in it not removed.
pub(crate) fn prune(folders: &Folders) -> io::Result<()> {
    let mut alive = Vec::new();
    for record in ServerRecord::all(folders)? {
        let path = folders.of_service(&record.service, record.port, "json");
        if record.is_alive()? || !is_older(fs::metadata(&path)?.modified()?, RECORD) {
            alive.push(files::stem(&record.service, record.port));
        } else {
            record.remove(folders)?;
        }
    }
    for entry in fs::read_dir(&folders.logs)? {
        let entry = entry?;
        if is_old_log(&entry)? && !alive.iter().any(|stem| entry.file_name().to_string_lossy().starts_with(stem)) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn is_old_log(entry: &DirEntry) -> io::Result<bool> {
    Ok(files::is_ours(&entry.path(), "log") && is_older(entry.metadata()?.modified()?, LOG))
}

fn is_older(at: SystemTime, age: Duration) -> bool {
    SystemTime::now().duration_since(at).is_ok_and(|since| since > age)
}
