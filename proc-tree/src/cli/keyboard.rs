//! The keys of a view on a terminal, each as it is pressed, without Return and without an echo.
//!
//! The terminal belongs to the shell's job in the foreground: its settings are changed, and keys are read, only while that is
//! this one, and what was changed is put back when this value is dropped.

use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::signal::{SigSet, Signal};
use rustix::{
    fs::{OFlags, fcntl_getfl},
    process::getpgrp,
    stdio,
    termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, isatty, tcgetattr, tcgetpgrp, tcsetattr},
};

/// A terminal, if it was taken.
#[derive(Debug)]
pub(super) struct Keyboard {
    input: BorrowedFd<'static>,
    /// The settings that are put back.
    before: Option<Termios>,
}

impl Keyboard {
    /// Takes no keys yet. At the end of a pipe they come from the terminal that is drawn on, which is open for both.
    pub(super) fn new() -> Self {
        let is_readable = |file: BorrowedFd<'_>| fcntl_getfl(file).is_ok_and(|flags| flags.contains(OFlags::RDWR));
        let is_piped = !isatty(stdio::stdin()) && is_readable(stdio::stdout());
        Self { input: if is_piped { stdio::stdout() } else { stdio::stdin() }, before: None }
    }

    /// Takes the keys from now on, where this process is of the job in front of that terminal. Keys that make a signal still do.
    pub(super) fn take(&mut self) {
        if in_front(&self.input) != Some(true) {
            return;
        }
        let Ok(now) = tcgetattr(self.input) else { return };
        // a shell changes the settings back also under a job that was halted without being asked
        if self.before.is_some() && !now.local_modes.contains(LocalModes::ICANON) {
            return;
        }
        let mut by_key = now.clone();
        by_key.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
        // a read never waits: another one may have taken the key
        by_key.special_codes[SpecialCodeIndex::VMIN] = 0;
        by_key.special_codes[SpecialCodeIndex::VTIME] = 0;
        if without_being_halted(|| tcsetattr(self.input, OptionalActions::Now, &by_key)).is_ok() {
            self.before.get_or_insert(now);
        }
    }

    /// Puts the terminal back as it was, where it is still ours.
    pub(super) fn give_back(&mut self) {
        if let Some(before) = self.before.take()
            && in_front(&self.input) == Some(true)
        {
            // a terminal that went away has no settings
            let _ = without_being_halted(|| tcsetattr(self.input, OptionalActions::Now, &before));
        }
    }

    /// Returns what becomes readable when a key is pressed.
    pub(super) fn source(&self) -> Option<BorrowedFd<'_>> {
        self.before.as_ref().map(|_| self.input)
    }

    /// Returns the keys that were pressed. What a key of several bytes sends, such as an arrow, is none.
    pub(super) fn pressed(&mut self) -> Vec<char> {
        let mut bytes = [0; 64];
        let read = without_being_halted(|| rustix::io::read(self.input, &mut bytes)).unwrap_or(0);
        if read == 0 {
            // it went away, or is another job's by now
            self.before = None;
        }
        keys(&bytes[..read])
    }
}

impl Drop for Keyboard {
    fn drop(&mut self) {
        self.give_back();
    }
}

/// Sequences of ECMA-48 are left out: `ESC [` up to a final byte, `ESC O` and one more, `ESC` and the key of an Alt.
fn keys(bytes: &[u8]) -> Vec<char> {
    const ESCAPE: u8 = 0x1b;
    let mut keys = Vec::new();
    let mut bytes = bytes.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            ESCAPE => match bytes.next() {
                Some(b'[') => drop(bytes.find(|byte| (0x40..0x7f).contains(byte))),
                Some(b'O') => drop(bytes.next()),
                _ => {}
            },
            key if key.is_ascii_graphic() => keys.push(key.into()),
            _ => {}
        }
    }
    keys
}

/// Tells whether this process is of the job in front of a terminal; `None` where it is not the one of its session, or none.
pub(super) fn in_front(terminal: &impl AsFd) -> Option<bool> {
    tcgetpgrp(terminal).ok().map(|front| front == getpgrp())
}

/// Does what halts a job in the background, which then fails instead: between a look and this the shell may have taken the
/// terminal.
fn without_being_halted<T>(work: impl FnOnce() -> T) -> T {
    let mut halting = SigSet::empty();
    halting.add(Signal::SIGTTOU);
    halting.add(Signal::SIGTTIN);
    let blocked = halting.thread_swap_mask(nix::sys::signal::SigmaskHow::SIG_BLOCK);
    let done = work();
    if let Ok(before) = blocked {
        let _ = before.thread_set_mask();
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_letter_and_an_arrow_is_none() {
        assert_eq!(keys(b"cq"), ['c', 'q']);
        assert_eq!(keys(b"m\x1b[1;5Aq"), ['m', 'q']);
        // the keypad, Alt and other alphabets send such letters too
        assert!(keys(b"\x1bOq\x1bq").is_empty() && keys(b"\n \xc3\xa9\x1b").is_empty());
    }
}
