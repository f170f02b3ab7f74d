//! Programs that end faster by another signal than SIGTERM, and as well.

use proc_tree::Signal;

/// The names of their processes, and the signal.
const FAST_STOP: &[(&str, Signal)] = &[
    // SIGTERM lets every client finish first; SIGINT is the fast shutdown: sessions are ended, nothing is lost
    ("postgres", Signal::INT),
    ("postmaster", Signal::INT),
];

/// Returns the signal that suits a program.
pub(super) fn stop_signal(name: &str) -> Signal {
    FAST_STOP.iter().find(|(known, _)| *known == name).map_or(Signal::TERM, |&(_, signal)| signal)
}
