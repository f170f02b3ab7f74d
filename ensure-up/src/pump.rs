//! A supervised server's output on its way to the log, which is rotated by size.
//!
//! It goes through a named pipe that the server holds open at both ends: when its supervisor is killed, a write meets no
//! broken pipe, and the next supervisor reads on where that one stopped.

use std::{
    fs::File,
    io::{self, Read, Write},
    os::unix::fs::FileTypeExt,
    path::{Path, PathBuf},
    thread,
};

use nix::sys::stat::Mode;

use crate::log;

/// How a log is kept within bounds.
#[derive(Debug, Clone)]
pub(crate) struct Bounds {
    /// The log.
    pub(crate) path: PathBuf,
    /// It is rotated beyond this size, in bytes.
    pub(crate) most_bytes: u64,
    /// So many old logs are kept.
    pub(crate) keep: u32,
}

/// Opens the pipe, which is made when it is not there, for a server's output.
pub(crate) fn open(pipe: &Path) -> io::Result<File> {
    match std::fs::symlink_metadata(pipe) {
        Ok(found) if found.file_type().is_fifo() => {}
        Ok(_) => std::fs::remove_file(pipe).and_then(|()| make(pipe))?,
        Err(_) => make(pipe)?,
    }
    File::options().read(true).write(true).open(pipe)
}

fn make(pipe: &Path) -> io::Result<()> {
    Ok(nix::unistd::mkfifo(pipe, Mode::S_IRUSR | Mode::S_IWUSR)?)
}

/// Copies from the pipe to the log in a thread of its own, for as long as this process lives.
pub(crate) fn start(mut pipe: File, bounds: Bounds) -> io::Result<()> {
    let mut log = log::open(&bounds.path)?;
    thread::Builder::new().name("log".into()).stack_size(64 * 1024).spawn(move || {
        let mut chunk = vec![0; 16 * 1024];
        loop {
            let Ok(read @ 1..) = pipe.read(&mut chunk) else { return };
            // a full disk must not stop the server: what cannot be written is lost
            let _ = log.write_all(&chunk[..read]);
            if log.metadata().is_ok_and(|found| found.len() >= bounds.most_bytes)
                && log::rotate(&bounds.path, bounds.keep).is_ok()
                && let Ok(new) = log::open(&bounds.path)
            {
                log = new;
            }
        }
    })?;
    Ok(())
}
