//! A supervised server's output on its way to the log, which is rotated by size.
//!
//! It goes through a named pipe that the server holds open at both ends: when its supervisor is killed, a write meets no
//! broken pipe, and the next supervisor reads on where that one stopped.

use std::{
    fs::File,
    io::{self, Read, Write},
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use nix::sys::stat::Mode;
use rustix::{
    event::{PollFd, PollFlags, poll},
    io::ioctl_fionread,
};

use crate::{log::rotate, server::state_file};

/// How a log is kept within bounds.
#[derive(Debug, Clone)]
pub(crate) struct Bounds {
    /// The log.
    pub(crate) path: PathBuf,
    /// It is rotated before it grows beyond this size, in bytes; 0: never.
    pub(crate) most_bytes: u64,
    /// So many old logs are kept.
    pub(crate) keep: u32,
}

/// How much is copied at once: with one read and one write.
const CHUNK: usize = 64 * 1024;

/// What the copier runs on: patterns are looked for there.
const STACK: usize = 256 * 1024;

/// How long the copier stands back for somebody else who waits for the log.
const WAY: Duration = Duration::from_micros(100);

/// Opens the pipe, which is made when it is not there, for a server's output.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let pipe = state_file::in_folder(path, |_| {
        match std::fs::symlink_metadata(path) {
            Ok(found) if found.file_type().is_fifo() => {}
            Ok(_) => std::fs::remove_file(path).and_then(|()| make(path))?,
            Err(_) => make(path)?,
        }
        File::options().read(true).write(true).open(path)
    })?;
    widen(&pipe);
    Ok(pipe)
}

fn make(path: &Path) -> io::Result<()> {
    Ok(nix::unistd::mkfifo(path, Mode::S_IRUSR | Mode::S_IWUSR)?)
}

/// While there is no supervisor the server goes on until the pipe is full: the most that pipe(7) gives to any user.
fn widen(#[cfg_attr(target_os = "macos", expect(unused_variables, reason = "Linux only"))] pipe: &File) {
    #[cfg(target_os = "linux")]
    let _ = rustix::pipe::fcntl_setpipe_size(pipe, 1 << 20);
}

/// What copies from the pipe to the log, for as long as this process lives.
#[derive(Debug)]
pub(crate) struct Pump {
    pipe: File,
    log: Mutex<Log>,
    /// So many wait for the log beside the copier, which would take it again and again while a server floods it.
    waiting: AtomicUsize,
}

impl Pump {
    /// Starts to copy, in a thread of its own: a server that is being stopped still writes.
    pub(crate) fn start(pipe: File, bounds: Bounds) -> io::Result<Arc<Self>> {
        let pump = Arc::new(Self { pipe, log: Mutex::new(Log::open(bounds)?), waiting: AtomicUsize::new(0) });
        let copier = Arc::clone(&pump);
        thread::Builder::new().name("log".into()).stack_size(STACK).spawn(move || copier.run())?;
        Ok(pump)
    }

    /// Returns the pipe, for a server's output.
    pub(crate) fn pipe(&self) -> &File {
        &self.pipe
    }

    /// Returns once all that was in the pipe is in the log; what comes meanwhile is not waited for.
    pub(crate) fn flush(&self) {
        drop(self.flushed());
    }

    /// Shows whoever reads here all that comes from now on, for as long as he is there; what was said before is not about
    /// him.
    pub(crate) fn show<R: Write + Send + 'static>(&self, reader: &Arc<Mutex<R>>) {
        let reader: Weak<Mutex<R>> = Arc::downgrade(reader);
        self.flushed().reader = Some(reader);
    }

    fn flushed(&self) -> MutexGuard<'_, Log> {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let mut log = self.log();
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        self.copy(&mut log);
        log
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn copy(&self, log: &mut Log) {
        let mut left = ioctl_fionread(&self.pipe).unwrap_or(0);
        // once for all of it: it may have been deleted, or rotated by somebody else
        log.renew();
        let mut chunk = std::mem::take(&mut log.chunk);
        chunk.resize(CHUNK, 0);
        while left > 0 {
            let most = usize::try_from(left).map_or(CHUNK, |left| left.min(CHUNK));
            let Ok(read @ 1..) = (&self.pipe).read(&mut chunk[..most]) else { break };
            if let Some(reader) = log.reader.as_ref().and_then(Weak::upgrade) {
                let _ = reader.lock().unwrap_or_else(PoisonError::into_inner).write(&chunk[..read]);
            }
            // a full disk must not stop the server: what cannot be written is lost
            let _ = log.write(&chunk[..read]);
            left -= read as u64;
        }
        log.chunk = chunk;
    }

    fn run(&self) {
        loop {
            match poll(&mut [PollFd::new(&self.pipe, PollFlags::IN)], None) {
                Ok(_) => {
                    while self.waiting.load(Ordering::SeqCst) > 0 {
                        thread::sleep(WAY);
                    }
                    self.copy(&mut self.log());
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return,
            }
        }
    }
}

/// A log that is rotated by size, between two lines where that is possible.
#[derive(Debug)]
struct Log {
    bounds: Bounds,
    file: File,
    size: u64,
    /// Who is shown what comes.
    reader: Option<Weak<Mutex<dyn Write + Send>>>,
    /// Where it is copied through.
    chunk: Vec<u8>,
}

impl Log {
    fn open(bounds: Bounds) -> io::Result<Self> {
        let file = rotate::open(&bounds.path)?;
        let size = file.metadata()?.len();
        Ok(Self { bounds, file, size, reader: None, chunk: Vec::new() })
    }

    /// Opens the log that is in place by now, which is made again if there is none; and sees how large it is. Where that
    /// cannot be had, what there was has to do.
    fn renew(&mut self) {
        let place = std::fs::metadata(&self.bounds.path);
        let identity = |found: &std::fs::Metadata| (found.dev(), found.ino());
        match (place, self.file.metadata()) {
            (Ok(place), Ok(own)) if identity(&place) == identity(&own) => self.size = place.len(),
            _ => {
                if let Ok(file) = rotate::open(&self.bounds.path) {
                    self.size = file.metadata().map_or(0, |found| found.len());
                    self.file = file;
                }
            }
        }
    }

    fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        loop {
            let (now, later) = bytes.split_at(self.fitting(bytes));
            self.file.write_all(now)?;
            self.size += now.len() as u64;
            if later.is_empty() {
                return Ok(());
            }
            match rotate::rotate(&self.bounds.path, self.bounds.keep).and_then(|()| rotate::open(&self.bounds.path)) {
                Ok(file) => (self.file, self.size) = (file, 0),
                // one that grows beyond its size tells more than none
                Err(_) => return self.file.write_all(later),
            }
            bytes = later;
        }
    }

    /// Returns how many of these bytes still belong to this log.
    fn fitting(&self, bytes: &[u8]) -> usize {
        let room = usize::try_from(self.bounds.most_bytes.saturating_sub(self.size)).unwrap_or(usize::MAX);
        if bytes.len() <= room || self.bounds.most_bytes == 0 {
            return bytes.len();
        }
        match bytes[..room].iter().rposition(|&byte| byte == b'\n') {
            Some(end) => end + 1,
            None if self.size == 0 => room,
            None => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logs(most_bytes: u64, pieces: &[&str]) -> Vec<String> {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let path = folder.path().join("log");
        let mut log = Log::open(Bounds { path: path.clone(), most_bytes, keep: 9 }).expect("a log");
        for piece in pieces {
            log.write(piece.as_bytes()).expect("a log can be written");
        }
        let numbered = (1..9).rev().map(|number| path.with_extension(number.to_string())).chain([path.clone()]);
        numbered.filter_map(|path| std::fs::read_to_string(path).ok()).collect()
    }

    #[test]
    fn a_log_is_rotated_between_lines_and_never_grows_beyond_its_size() {
        assert_eq!(logs(8, &["one\ntwo\nthree\n", "4\n5\n"]), ["one\ntwo\n", "three\n4\n", "5\n"]);
    }

    #[test]
    fn a_line_that_is_longer_than_a_log_is_cut() {
        assert_eq!(logs(4, &["1\n", "234567", "8\n"]), ["1\n", "2345", "678\n"]);
    }

    #[test]
    fn without_a_size_nothing_is_rotated() {
        assert_eq!(logs(0, &["one\n", "two\n"]), ["one\ntwo\n"]);
    }
}
