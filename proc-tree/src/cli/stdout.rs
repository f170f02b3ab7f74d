//! Standard output, also where it is closed (`>&-`): then a write fails, as it does in other programs.
//!
//! Before `main`, Rust's runtime opens /dev/null in the place of a standard stream that is closed, and results would be lost
//! with status 0. What is open then cannot be told from a /dev/null that somebody meant: so it is looked at before that.

use std::{
    io::{self, Write},
    sync::atomic::{AtomicBool, Ordering},
};

use nix::libc;

static WAS_CLOSED: AtomicBool = AtomicBool::new(false);

/// What the C library calls before the program's start.
#[used]
// SAFETY: the section holds pointers to functions that return nothing, as this one does.
#[cfg_attr(target_os = "linux", unsafe(link_section = ".init_array"))]
#[cfg_attr(target_os = "macos", unsafe(link_section = "__DATA,__mod_init_func"))]
static LOOK: extern "C" fn() = look;

extern "C" fn look() {
    // SAFETY: fcntl(2) reads a flag of a descriptor, if there is one, and nothing of Rust's runtime is needed.
    let flags = unsafe { libc::fcntl(libc::STDOUT_FILENO, libc::F_GETFD) };
    WAS_CLOSED.store(flags < 0, Ordering::Relaxed);
}

/// Returns what results are written to.
pub(super) fn stdout() -> Box<dyn Write> {
    if WAS_CLOSED.load(Ordering::Relaxed) { Box::new(Closed) } else { Box::new(io::stdout().lock()) }
}

/// Standard output that is closed.
struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::Error::from_raw_os_error(libc::EBADF))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
