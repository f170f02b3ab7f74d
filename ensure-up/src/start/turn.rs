//! Whose turn it is: the lock that a call holds while it is busy with a server, and the wait for another call that is.

use std::{cell::RefCell, path::Path, thread, time::Duration};

use tokio::{select, sync::oneshot, time};

use crate::{
    Call, Doing, Failure, Lock, Waiting,
    event::{block_on, until},
    server::{loading, lock, notice::Notice},
    signals::Signals,
};

/// How often is looked what the one that is waited for says.
const NEWS: Duration = Duration::from_millis(250);

/// Takes a lock in the time that the call has.
pub(super) fn take(call: &Call<'_>, path: &Path) -> Result<Lock, Failure> {
    let lock = match Lock::take_at_once(path).map_err(Failure::state("lock", path))? {
        Some(lock) => lock,
        None => block_on(wait(call, path)).map_err(Failure::system("wait"))??,
    };
    lock.say(None);
    Ok(lock)
}

/// Tells whether somebody is about to stop the server, who holds the lock and says so: it is not up for long.
pub(super) fn is_to_stop(path: &Path) -> bool {
    let says_so = |notice: Notice| notice.waiting.is_some_and(|waiting| waiting.doing == Doing::Stopping);
    Notice::read(path).is_some_and(says_so) && lock::is_held(path)
}

/// Makes what tells the caller, and those who wait for the lock, what the call waits for itself.
pub(super) fn telling<'t>(call: &'t Call<'_>, lock: &'t Lock) -> impl Fn(&Waiting) + 't {
    let said = RefCell::new(None);
    move |waiting| {
        // once: the file is in the folder whose changes are waited for
        if said.borrow().as_ref() != Some(waiting) {
            lock.say(Some(waiting));
            said.replace(Some(waiting.clone()));
        }
        call.observer.tell(waiting);
    }
}

/// Waits for the lock. What holds it says what it waits for.
async fn wait(call: &Call<'_>, path: &Path) -> Result<Lock, Failure> {
    let mut signals = Signals::catch().map_err(Failure::system("catch signals"))?;
    let own = path.to_owned();
    // flock(2) knows no deadline and no signal that is caught: a thread waits, and is left behind when it is given up
    let (sender, mut lock) = oneshot::channel();
    let waiting = thread::Builder::new().spawn(move || sender.send(Lock::take(&own, None)).is_ok());
    waiting.map_err(Failure::system("start a thread"))?;
    loop {
        let notice = Notice::read(path);
        call.observer.tell(&joining(call, notice.as_ref()));
        select! {
            locked = &mut lock => {
                let locked = locked.map_err(std::io::Error::other).and_then(|locked| locked);
                return locked.map_err(Failure::state("lock", path))?.ok_or_else(|| too_late(call, None));
            }
            () = time::sleep(NEWS) => {
                // who took the lock just now may have said nothing yet, so this is not asked at first
                if Notice::read(path).is_some_and(|notice| loading::above().iter().any(|stat| stat.pid == notice.pid)) {
                    return Err(Failure::Itself(call.service.name()));
                }
            }
            signal = signals.next() => return Err(Failure::Interrupted(signal)),
            () = until(call.clock.deadline) => return Err(too_late(call, notice)),
        }
    }
}

fn joining(call: &Call<'_>, notice: Option<&Notice>) -> Waiting {
    let doing = Doing::Joining(notice.map(|notice| notice.pid));
    if let Some(waiting) = notice.and_then(|notice| notice.waiting.clone()) {
        let stopping = (waiting.doing == Doing::Stopping).then(|| "it is being stopped".to_owned());
        return Waiting { doing, is_own: false, reason: waiting.reason.or(stopping), ..waiting };
    }
    let ports = call.service.ports.map_or_else(String::new, |ports| format!(" on port {ports}"));
    Waiting::of(doing, call.service.name() + &ports)
}

fn too_late(call: &Call<'_>, notice: Option<Notice>) -> Failure {
    let (pid, waiting) = notice.map(|Notice { pid, waiting }| (pid, waiting)).unzip();
    let by = pid.map_or_else(String::new, |pid| format!(" (pid {pid})"));
    let waiting = waiting.flatten();
    let why = waiting.as_ref().and_then(|waiting| waiting.reason.as_ref());
    let why = why.map_or_else(String::new, |why| format!(": {why}"));
    let what = format!("another ensure-up{by} is still starting it{why}");
    call.too_late(call.service.port(), what, waiting.and_then(|waiting| waiting.log), Vec::new())
}
