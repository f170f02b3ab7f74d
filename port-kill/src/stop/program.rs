//! Programs that want to be stopped in a way of their own.

use proc_tree::Signal;

/// Those that end faster by another signal than SIGTERM, and as well: the names of their processes, and the signal.
const FAST_STOP: &[(&str, Signal)] = &[
    // SIGTERM lets every client finish first; SIGINT is the fast shutdown: sessions are ended, nothing is lost
    ("postgres", Signal::INT),
    ("postmaster", Signal::INT),
];

/// Returns the signal that suits a program.
pub(super) fn stop_signal(name: &str) -> Signal {
    FAST_STOP.iter().find(|(known, _)| *known == name).map_or(Signal::TERM, |&(_, signal)| signal)
}

/// Those that stop themselves when they see that their child was halted, and let it go on when somebody continues them:
/// nobody does.
const SUSPENDS_ITSELF: &[&str] =
    &["sudo", "su", "runuser", "doas", "sudo-rs", "script", "login", "strace", "ltrace", "gdb"];

/// Tells whether no child of this program may be halted.
pub(super) fn suspends_itself(name: &str) -> bool {
    SUSPENDS_ITSELF.contains(&name)
}
