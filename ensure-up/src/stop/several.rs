//! Stopping several servers: dependents first, and at once where they do not depend on each other, so that three that
//! ignore the signal take one grace and not three.

use std::{
    collections::{BTreeMap, VecDeque},
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::Pin,
    thread,
    time::Instant,
};

use port_kill::Awaited;
use proc_tree::Signal;
use tokio::{
    select,
    sync::mpsc::{UnboundedSender, unbounded_channel},
};

use super::{
    interrupt::Interrupt,
    order::{Progress, next},
    whole::Wait,
};
use crate::{Failure, ServerRecord, event::block_on, signals::Signals};

/// What is told while servers are stopped; each by its place among them.
#[derive(Debug)]
pub enum Event<T> {
    /// Somebody of it is waited for: who, in words.
    Awaited(usize, String),
    /// Its stop has ended.
    Ended(usize, T),
}

/// Stops servers, each by `stop`, which is told the server's place and how to wait, on a thread of its own.
///
/// With `on_request`, a signal to this process ends those stops that are under way, begins no other, and is returned.
/// Otherwise all are stopped, whatever asks this process to end meanwhile. What is to be done `beside` goes on until then.
///
/// # Errors
/// When signals cannot be caught.
pub fn stop<T: Send>(
    records: &[&ServerRecord],
    on_request: bool,
    mut beside: Pin<&mut dyn Future<Output = ()>>,
    stop: &(dyn Fn(usize, Wait<'_>) -> T + Sync),
    told: &mut dyn FnMut(Event<T>),
) -> Result<Option<Signal>, Failure> {
    if records.len() == 1 && on_request {
        // without the threads, which take descriptors
        let mut tell = |awaited: &Awaited<'_>| told(Event::Awaited(0, awaited.words(Instant::now())));
        let ended = stop(0, Wait::OnRequest(Some(&mut tell)));
        told(Event::Ended(0, ended));
        return Ok(None);
    }
    let (interrupt, ask) = Interrupt::new().map_err(Failure::system("make a pipe"))?;
    thread::scope(|scope| {
        let (sender, mut events) = unbounded_channel();
        let begin = |index: usize| {
            let (sender, interrupt) = (sender.clone(), &interrupt);
            let work = move || {
                let ended = catch_unwind(AssertUnwindSafe(|| one(index, interrupt, &sender, stop)));
                // nobody is told when the wait itself has failed
                let _ = sender.send(ended.map_or_else(Err, |ended| Ok(Event::Ended(index, ended))));
            };
            if thread::Builder::new().spawn_scoped(scope, work.clone()).is_err() {
                // there are no threads left: one after the other
                work();
            }
        };
        let all = async {
            let mut signals = Signals::catch().map_err(Failure::system("catch signals"))?;
            let mut progress = vec![Progress::Due; records.len()];
            let mut ask = Some(ask);
            let mut is_done = false;
            let (mut under_way, mut ended) = (VecDeque::new(), BTreeMap::new());
            loop {
                for index in next(records, &progress).into_iter().filter(|_| interrupt.caught().is_none()) {
                    progress[index] = Progress::Begun;
                    under_way.push_back(index);
                    begin(index);
                }
                if !progress.contains(&Progress::Begun) {
                    return Ok(interrupt.caught());
                }
                select! {
                    Some(event) = events.recv() => {
                        match event.unwrap_or_else(|panic| resume_unwind(panic)) {
                            Event::Ended(index, one) => {
                                progress[index] = Progress::Ended;
                                ended.insert(index, one);
                            }
                            awaited @ Event::Awaited(..) => told(awaited),
                        }
                        // in the order in which they were begun, whichever thread was the first
                        while let Some((index, one)) = under_way.front().and_then(|index| ended.remove_entry(index)) {
                            under_way.pop_front();
                            told(Event::Ended(index, one));
                        }
                    }
                    () = &mut beside, if !is_done => is_done = true,
                    signal = signals.next(), if on_request && ask.is_some() => {
                        interrupt.catch(signal);
                        ask = None;
                    }
                }
            }
        };
        block_on(all).map_err(Failure::system("wait"))?
    })
}

fn one<T>(
    index: usize,
    interrupt: &Interrupt,
    sender: &UnboundedSender<thread::Result<Event<T>>>,
    stop: &(dyn Fn(usize, Wait<'_>) -> T + Sync),
) -> T {
    let mut tell = |awaited: &Awaited<'_>| {
        let _ = sender.send(Ok(Event::Awaited(index, awaited.words(Instant::now()))));
    };
    stop(index, Wait::Beside(interrupt, &mut tell))
}
