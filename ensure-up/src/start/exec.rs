//! What a new process does until it is the program: between fork and exec, with system calls only.

use std::{
    ffi::{CString, OsStr, OsString},
    fs::{self, File},
    io::{self, PipeReader, PipeWriter, Read},
    os::{
        fd::{AsRawFd, BorrowedFd, RawFd},
        unix::ffi::OsStrExt,
    },
    path::Path,
    ptr,
};

use nix::{
    errno::Errno,
    libc,
    sys::signal::{SigHandler, SigSet, SigmaskHow, Signal, pthread_sigmask, signal},
    unistd::setsid,
};

use super::launch_error::LaunchError;
use crate::server::mark;

/// What to start.
#[derive(Debug)]
pub(crate) struct Launch<'l> {
    /// The program and its arguments; never empty.
    pub command: &'l [OsString],
    /// Where.
    pub cwd: &'l Path,
    /// The whole environment.
    pub environment: Vec<(OsString, OsString)>,
    /// Where stdin comes from; `None`: it is empty.
    pub input: Option<BorrowedFd<'l>>,
    /// A socket that listens for it, handed down as descriptor 3 with `LISTEN_PID`: sd_listen_fds(3).
    pub socket: Option<BorrowedFd<'l>>,
    /// Where stdout and stderr go.
    pub output: BorrowedFd<'l>,
}

/// Everything that the new process needs, laid out for execve(2).
pub(super) struct Exec {
    candidates: Vec<Candidate>,
    arguments: Vec<*const libc::c_char>,
    environment: Vec<*const libc::c_char>,
    cwd: CString,
    /// What says its PID, with the place in the environment: that is known only after the fork.
    pids: Vec<(usize, Vec<u8>)>,
    input: RawFd,
    socket: Option<RawFd>,
    output: RawFd,
    inherited: Vec<RawFd>,
    _null: File,
    _strings: Vec<CString>,
}

/// A path where the program may be, and how to run it if it turns out to be a script without `#!`.
struct Candidate {
    path: CString,
    script: Vec<*const libc::c_char>,
}

/// What a server reads that is given no input.
const NULL: &str = "/dev/null";

/// Where the descriptors of this process are listed. Linux has a link to it in /dev, which a container may lack.
const DESCRIPTORS: &str = if cfg!(target_os = "linux") { "/proc/self/fd" } else { "/dev/fd" };

/// The descriptor of a socket that is handed down.
const SOCKET: RawFd = 3;

const LISTEN_PID: &[u8] = b"LISTEN_PID=";

/// Says which process was started: [`mark::MAIN`].
const MAIN_PID: &[u8] = b"ENSURE_UP_PID=";

/// The most digits that a PID has.
const DIGITS: usize = 10;

const SHELL: &std::ffi::CStr = c"/bin/sh";

impl Exec {
    pub(super) fn prepare(launch: &Launch<'_>) -> Result<Self, LaunchError> {
        let null = File::open(NULL).map_err(|error| LaunchError::Open(NULL, error))?;
        let inherited = open_descriptors().map_err(|error| LaunchError::Open(DESCRIPTORS, error))?;
        Self::laid_out(launch, null, inherited).map_err(LaunchError::Process)
    }

    fn laid_out(launch: &Launch<'_>, null: File, inherited: Vec<RawFd>) -> io::Result<Self> {
        let program = launch.command.first().ok_or(io::ErrorKind::InvalidInput)?;
        let words = launch.command.iter().map(|word| CString::new(word.as_bytes()));
        let mut strings = words.collect::<Result<Vec<_>, _>>()?;
        let count = strings.len();
        // it may be of a server that this call descends from
        for (name, value) in launch.environment.iter().filter(|(name, _)| name != mark::MAIN) {
            strings.push(CString::new([name.as_bytes(), b"=", value.as_bytes()].concat())?);
        }
        let pointers =
            |strings: &[CString]| strings.iter().map(|string| string.as_ptr()).chain([ptr::null()]).collect();
        let arguments: Vec<*const libc::c_char> = pointers(&strings[..count]);
        let mut environment: Vec<*const libc::c_char> = pointers(&strings[count..]);
        let mut pids = Vec::new();
        for name in [Some(MAIN_PID), launch.socket.map(|_| LISTEN_PID)].into_iter().flatten() {
            let place = environment.len() - 1;
            environment.insert(place, name.as_ptr().cast());
            pids.push((place, [name, &[0; DIGITS + 1]].concat()));
        }
        let path = launch.environment.iter().rfind(|(name, _)| name == "PATH").map(|(_, value)| value.as_os_str());
        let candidates = candidates(program, path)
            .map(|path| {
                let path = CString::new(path)?;
                let script =
                    [SHELL.as_ptr(), path.as_ptr()].into_iter().chain(arguments[1..].iter().copied()).collect();
                Ok(Candidate { path, script })
            })
            .collect::<io::Result<_>>()?;
        Ok(Self {
            candidates,
            arguments,
            environment,
            cwd: CString::new(launch.cwd.as_os_str().as_bytes())?,
            pids,
            socket: launch.socket.map(|socket| socket.as_raw_fd()),
            input: launch.input.map_or(null.as_raw_fd(), |input| input.as_raw_fd()),
            output: launch.output.as_raw_fd(),
            inherited,
            _null: null,
            _strings: strings,
        })
    }

    pub(super) fn run(&mut self, go: PipeReader, failure: &PipeWriter) -> ! {
        // the place of a socket is not to be taken by what is still needed
        // SAFETY: fcntl(2) on a descriptor that is open.
        let moved = unsafe { libc::fcntl(failure.as_raw_fd(), libc::F_DUPFD_CLOEXEC, SOCKET + 1) };
        let error = self.try_run(go);
        // SAFETY: the descriptor is open until this process ends; where there is none, the write only fails.
        let failure = unsafe { BorrowedFd::borrow_raw(moved.max(0)) };
        let _ = rustix::io::write(failure, &(error as i32).to_ne_bytes());
        // SAFETY: ends this process at once, as is due after a fork.
        unsafe { libc::_exit(127) }
    }

    fn try_run(&mut self, mut go: PipeReader) -> Errno {
        // a session of its own: no terminal, and no signal of the starter's job
        if let Err(error) = setsid() {
            return error;
        }
        if !matches!(go.read(&mut [0]), Ok(1)) {
            // SAFETY: as in `run`; the starter is gone, so there is nobody to tell.
            unsafe { libc::_exit(0) }
        }
        self.tell_pid();
        self.set_up().and_then(|()| self.exec()).err().unwrap_or(Errno::UnknownErrno)
    }

    /// Writes down which process this is; allocates nothing.
    fn tell_pid(&mut self) {
        let (mut rest, mut digits, mut count) = (std::process::id(), [0; DIGITS], 0);
        while count == 0 || rest > 0 {
            digits[count] = b"0123456789"[(rest % 10) as usize];
            (rest, count) = (rest / 10, count + 1);
        }
        for (place, text) in &mut self.pids {
            let written = digits[..count].iter().rev().chain(&[0]);
            let behind = text.len() - DIGITS - 1;
            text[behind..].iter_mut().zip(written).for_each(|(place, digit)| *place = *digit);
            self.environment[*place] = text.as_ptr().cast();
        }
    }

    fn set_up(&self) -> nix::Result<()> {
        for (from, to) in [(self.input, 0), (self.output, 1), (self.output, 2)] {
            // SAFETY: dup2(2) on numbers; the descriptors are owned by nobody else in this process.
            Errno::result(unsafe { libc::dup2(from, to) })?;
        }
        nix::unistd::chdir(self.cwd.as_c_str())?;
        // Rust ignores SIGPIPE, and an ignored or blocked signal stays so in the new program
        for reset in
            [Signal::SIGPIPE, Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGCHLD]
        {
            // SAFETY: the default action runs no handler.
            unsafe { signal(reset, SigHandler::SigDfl) }?;
        }
        pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None)?;
        for &descriptor in &self.inherited {
            // SAFETY: fcntl(2) on a number; one that was closed meanwhile only fails.
            unsafe { libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC) };
        }
        match self.socket {
            None => Ok(()),
            // SAFETY: fcntl(2) on a number; dup2(2) would leave it to be closed.
            Some(SOCKET) => Errno::result(unsafe { libc::fcntl(SOCKET, libc::F_SETFD, 0) }).map(drop),
            // SAFETY: dup2(2) on numbers; what had this one is needed no more.
            Some(socket) => Errno::result(unsafe { libc::dup2(socket, SOCKET) }).map(drop),
        }
    }

    /// Tries the candidates in turn, as execvp(3) does.
    fn exec(&self) -> nix::Result<()> {
        let mut error = Errno::ENOENT;
        for candidate in &self.candidates {
            let (environment, path) = (self.environment.as_ptr(), candidate.path.as_ptr());
            // SAFETY: all arrays end with a null pointer and point to strings that `self` keeps.
            unsafe { libc::execve(path, self.arguments.as_ptr(), environment) };
            match Errno::last() {
                // SAFETY: as above.
                Errno::ENOEXEC => unsafe {
                    libc::execve(SHELL.as_ptr(), candidate.script.as_ptr(), environment);
                    return Err(Errno::last());
                },
                Errno::ENOENT | Errno::ENOTDIR => {}
                Errno::EACCES => error = Errno::EACCES,
                other => return Err(other),
            }
        }
        Err(error)
    }
}

/// A name without a slash is looked for on the path that the server will have.
pub(super) fn candidates<'c>(program: &'c OsStr, path: Option<&'c OsStr>) -> impl Iterator<Item = Vec<u8>> + 'c {
    let named = program.as_bytes().contains(&b'/').then(|| program.as_bytes().to_vec());
    let path = path.map_or(&b"/usr/local/bin:/usr/bin:/bin"[..], OsStr::as_bytes);
    let folders =
        path.split(|&byte| byte == b':').filter(|_| !program.as_bytes().contains(&b'/') && !program.is_empty());
    let found =
        folders.map(|folder| [if folder.is_empty() { b"." } else { folder }, b"/", program.as_bytes()].concat());
    named.into_iter().chain(found)
}

/// Lists the descriptors that this process has open, but for the standard ones.
fn open_descriptors() -> io::Result<Vec<RawFd>> {
    let mut descriptors = Vec::new();
    for entry in fs::read_dir(DESCRIPTORS)? {
        descriptors.extend(
            entry?.file_name().to_str().and_then(|name| name.parse::<RawFd>().ok()).filter(|&number| number > 2),
        );
    }
    Ok(descriptors)
}
