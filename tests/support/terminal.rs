//! A pseudo-terminal, so that a test sees what a person sees.

use std::{
    fs::File,
    io::{Read, Write},
    os::{
        fd::{AsFd, OwnedFd},
        unix::process::CommandExt,
    },
    process::{Child, Command, ExitStatus},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize},
};

use super::{PATIENCE, eventually};

/// A program on a terminal of its own.
pub struct Terminal {
    child: Child,
    keyboard: File,
    screen: Arc<Mutex<Vec<u8>>>,
    reader: thread::JoinHandle<()>,
}

/// What other tests start meanwhile has no copy of it.
#[cfg(target_os = "linux")]
const CLOEXEC: OpenptFlags = OpenptFlags::CLOEXEC;

/// There is no such flag there.
#[cfg(target_os = "macos")]
const CLOEXEC: OpenptFlags = OpenptFlags::empty();

impl Terminal {
    /// Starts a command with stdin, stdout and stderr on a new terminal.
    pub fn start(command: &mut Command, columns: u16, rows: u16) -> Self {
        super::children_have_default_signals();
        let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | CLOEXEC).expect("a terminal can be made");
        rustix::io::fcntl_setfd(&controller, rustix::io::FdFlags::CLOEXEC).expect("it is open");
        grantpt(&controller).and_then(|()| unlockpt(&controller)).expect("the terminal is ours");
        let name = ptsname(&controller, Vec::new()).expect("a terminal has a name");
        let user: OwnedFd = File::options()
            .read(true)
            .write(true)
            .open(name.to_str().expect("a terminal's name is ASCII"))
            .expect("the terminal can be opened")
            .into();
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(controller.as_fd(), size).expect("a terminal has a size");
        let copy = || user.try_clone().expect("a descriptor can be copied");
        command.stdin(copy()).stdout(copy()).stderr(copy()).env("TERM", "xterm-256color");
        // SAFETY: both calls are async-signal-safe and touch only the new process.
        unsafe {
            command.pre_exec(|| {
                rustix::process::setsid()?;
                rustix::process::ioctl_tiocsctty(std::io::stdin())?;
                Ok(())
            });
        }
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        drop(user);
        command
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null());
        let keyboard = File::from(controller);
        let mut source = keyboard.try_clone().expect("a descriptor can be copied");
        let screen = Arc::new(Mutex::new(Vec::new()));
        let written = Arc::clone(&screen);
        let reader = thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = source.read(&mut buffer) {
                written.lock().expect("no reader panics").extend_from_slice(&buffer[..read]);
            }
        });
        Self { child, keyboard, screen, reader }
    }

    /// Returns all that was written to the terminal so far.
    pub fn screen(&self) -> String {
        String::from_utf8_lossy(&self.screen.lock().expect("no reader panics")).into_owned()
    }

    /// Waits until the terminal shows this.
    pub fn shows(&self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.screen().contains(text) {
            assert!(Instant::now() < deadline, "{text:?} is not on the terminal, which shows {:?}", self.screen());
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Types.
    pub fn types(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("the terminal takes keys");
    }

    /// Tells whether the terminal takes whole lines and shows what is typed, as it does for a shell.
    pub fn is_as_before(&self) -> bool {
        let modes = tcgetattr(&self.keyboard).expect("a terminal has settings").local_modes;
        modes.contains(LocalModes::ICANON | LocalModes::ECHO)
    }

    /// Gives the terminal another size.
    pub fn resize(&self, columns: u16, rows: u16) {
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&self.keyboard, size).expect("a terminal has a size");
    }

    /// Returns the program's PID.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the program's end; returns its status and all that it wrote.
    pub fn end(mut self) -> (ExitStatus, String) {
        let mut status = None;
        eventually("the end of the program on the terminal", || {
            status = self.child.try_wait().expect("a child can be waited for");
            status.is_some()
        });
        // what was written is still on its way; reading ends when nobody has the terminal open any more
        eventually("the end of what was written to the terminal", || self.reader.is_finished());
        (status.expect("it ended"), self.screen())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
