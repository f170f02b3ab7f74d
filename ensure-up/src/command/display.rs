//! What a person sees while a call waits: one line, redrawn, on a terminal; elsewhere a line whenever the reason changes, and
//! every ten seconds.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant, SystemTime},
};

use ensure_up::{Clock, Waiting};
use proc_tree::cli::progress::{Manner, Progress};

use super::{
    arguments::Arguments,
    wait_line::WaitLine,
    waits::{Key, Wait, key, line},
    words,
};

/// What is over before this needs no line.
const FIRST_DRAWN: Duration = Duration::from_millis(150);
const FIRST_LINE: Duration = Duration::from_secs(1);

/// How often the line is redrawn.
const FRAME: Duration = Duration::from_millis(100);

/// Lines do not come faster than this, however often the reason changes.
const LINE: Duration = Duration::from_secs(1);

/// After so long without a change it is said that the wait goes on.
const REMINDER: Duration = Duration::from_secs(10);

/// The line, or lines. Wiped off the terminal when this is dropped.
#[derive(Debug)]
pub(super) struct Display {
    manner: Manner,
    began: Instant,
    shared: Arc<Shared>,
    thread: RefCell<Option<JoinHandle<()>>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waits: BTreeMap<usize, Wait>,
    progress: Progress,
    printed: Option<(Instant, Vec<Key>)>,
    is_over: bool,
}

impl Display {
    /// Makes the display of a call; nothing is shown before there is something to wait for.
    pub(super) fn of(arguments: &Arguments) -> Self {
        let (manner, shared) = (Manner::of(arguments.common.quiet), Shared::default());
        shared.lock().progress = Progress::colored(arguments.common.color);
        Self { manner, began: Instant::now(), shared: Arc::new(shared), thread: RefCell::default() }
    }

    /// Takes in what is waited for of one server, which others know by its place, and how long that may take.
    pub(super) fn told(&self, place: usize, name: &str, limit: Option<Duration>, waiting: &Waiting) {
        let mut state = self.shared.lock();
        let wait = || Wait::of(name, Clock::start(limit), waiting);
        state.waits.entry(place).or_insert_with(wait).waiting = waiting.clone();
        drop(state);
        self.shared.changed.notify_one();
        let mut thread = self.thread.borrow_mut();
        if self.manner != Manner::Silent && thread.is_none() {
            let (shared, manner, began) = (Arc::clone(&self.shared), self.manner, self.began);
            // one that cannot be had is no reason to stop waiting
            *thread = thread::Builder::new().spawn(move || shared.show(manner, began)).ok();
        }
    }

    /// Takes in that nothing is waited for any more of a server.
    pub(super) fn done(&self, place: usize) {
        self.shared.lock().waits.remove(&place);
    }

    /// Says something above the line.
    pub(super) fn say(&self, line: &str) {
        let mut state = self.shared.lock();
        state.progress.wipe();
        words::say(line);
    }

    /// Returns what is waited for of a server, or was last.
    pub(super) fn last(&self, place: usize) -> Option<Waiting> {
        self.shared.lock().waits.get(&place).map(|wait| wait.waiting.clone())
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        self.shared.lock().is_over = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        self.shared.lock().progress.clear();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows the waits until they are over.
    fn show(&self, manner: Manner, began: Instant) {
        let first = if manner == Manner::Drawn { FIRST_DRAWN } else { FIRST_LINE };
        let mut next = began + first;
        let mut state = self.lock();
        while !state.is_over {
            let now = Instant::now();
            if now >= next {
                next = now + if manner == Manner::Drawn { state.draw() } else { state.print(now) };
            }
            let pause = next.saturating_duration_since(Instant::now());
            state = self.changed.wait_timeout(state, pause).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl State {
    /// Draws the line anew, and tells when to do so again.
    fn draw(&mut self) -> Duration {
        match self.line() {
            Some(line) => self.progress.draw(&line.within(self.progress.room())),
            None => self.progress.clear(),
        }
        FRAME
    }

    /// Prints the line if it says something new, or nothing was said for long.
    fn print(&mut self, now: Instant) -> Duration {
        let keys: Vec<Key> = self.waits.values().map(key).collect();
        let is_told = |(at, told): &(Instant, Vec<Key>)| *told == keys && now.duration_since(*at) < REMINDER;
        if !self.printed.as_ref().is_some_and(is_told)
            && let Some(line) = self.line()
        {
            words::say(&line.whole());
            self.printed = Some((now, keys));
        }
        LINE
    }

    fn line(&mut self) -> Option<WaitLine> {
        let waits: Vec<&mut Wait> = self.waits.values_mut().collect();
        line(waits, SystemTime::now())
    }
}
