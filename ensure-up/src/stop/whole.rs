//! Stopping a server whole: its tree and its session, with the library of port-kill. Whatever is left is an error.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd},
    time::Instant,
};

use port_kill::{Awaited, Observer, StopOptions, Stopped};
use proc_tree::{Identity, cli::signals};

use super::{
    interrupt::Interrupt,
    killed::{self, Killed, judge},
    manner::Manner,
    wrapper,
};
use crate::{Failure, ServerProcesses, signals::ENDING};

/// Stops a server and all that is found of it, and these processes, which are its too.
///
/// Where not all of it can be found, what is known of it is stopped; where that cannot be opened, its process group is
/// killed.
///
/// # Errors
/// When something of it is left, with who that is.
pub(crate) fn stop(processes: &ServerProcesses, more: &[Identity], manner: Manner) -> Result<Killed, Failure> {
    let mut whole = processes.whole().unwrap_or_else(|_| processes.roots().to_vec());
    whole.extend(more.iter().filter(|one| !processes.roots().contains(one)));
    whole.dedup();
    let stopped = run(&whole, manner, None, None).inspect_err(|_| processes.kill_group());
    judge(stopped, manner)
}

/// Stops these processes and all that descends from them or is of their sessions.
///
/// # Errors
/// As [`stop`].
pub(crate) fn stop_trees(roots: &[Identity], manner: Manner) -> Result<Killed, Failure> {
    judge(run(roots, manner, None, None), manner)
}

/// How a stop is waited for.
#[expect(missing_debug_implementations, reason = "an observer is a function")]
pub enum Wait<'w> {
    /// To its end, whatever asks this process to end meanwhile: what this call started is not left behind.
    Whole,
    /// Somebody asked for it and may ask to end it: a signal to this process does. The observer is told who is waited for.
    OnRequest(Option<&'w mut Observer<'w>>),
    /// Beside others, which are asked to end together.
    Beside(&'w Interrupt, &'w mut Observer<'w>),
}

impl Wait<'_> {
    /// Waits in the same way for one stop of several.
    pub(crate) fn once(&mut self) -> Wait<'_> {
        match self {
            Self::Whole => Wait::Whole,
            Self::OnRequest(None) => Wait::OnRequest(None),
            Self::OnRequest(Some(observer)) => Wait::OnRequest(Some(&mut **observer)),
            Self::Beside(interrupt, observer) => Wait::Beside(interrupt, &mut **observer),
        }
    }
}

/// Does the same, waited for in this way.
///
/// # Errors
/// As [`stop`], and [`Failure::Interrupted`].
pub(crate) fn stop_and_wait(roots: &[Identity], manner: Manner, wait: Wait<'_>) -> Result<Killed, Failure> {
    let observer = match wait {
        Wait::Whole => return stop_trees(roots, manner),
        Wait::Beside(interrupt, observer) => {
            let stopped = run(roots, manner, Some(observer), Some(interrupt.as_fd()));
            return interrupt
                .caught()
                .map_or_else(|| judge(stopped, manner), |signal| Err(Failure::Interrupted(signal)));
        }
        Wait::OnRequest(observer) => observer,
    };
    let failed = || Failure::system("catch signals");
    let signals = signals::Signals::catch(&ENDING).map_err(failed())?;
    let stopped = run(roots, manner, observer, Some(signals.as_fd()));
    match signals.wait(None, Some(Instant::now())).map_err(failed())? {
        signals::Event::Signal(caught) => Err(Failure::Interrupted(caught.signal)),
        signals::Event::Deadline | signals::Event::Ended => judge(stopped, manner),
    }
}

/// Whatever asks this process to end meanwhile, nobody stays halted: the signal is caught.
fn run(
    roots: &[Identity],
    manner: Manner,
    mut observer: Option<&mut Observer<'_>>,
    interrupt: Option<BorrowedFd<'_>>,
) -> io::Result<Vec<Stopped>> {
    let _signals = signals::Signals::catch(&ENDING)?;
    let mut observe = |awaited: &Awaited<'_>| {
        if let Some(observer) = &mut observer {
            observer(awaited);
        }
    };
    let Manner { signal, grace } = manner;
    let options = StopOptions { signal, grace, tree: true, session: true, ..StopOptions::default() };
    let wrapped = wrapper::wrapped(roots);
    if wrapped.is_empty() {
        return port_kill::stop_observed(roots, &options, Some(&mut observe), interrupt);
    }
    let inner = port_kill::stop_observed(&wrapped.servers, &options, Some(&mut observe), interrupt)?;
    wrapped.await_end()?;
    let outer = port_kill::stop_observed(roots, &options, Some(&mut observe), interrupt)?;
    // what of the inner ones is left is met again in the second round
    Ok(inner.into_iter().filter(killed::is_over).chain(outer).collect())
}
