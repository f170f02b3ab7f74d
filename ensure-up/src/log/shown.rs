//! Logs on their way to a stream that may be slow: no more is read than is shown, and neither is waited for.

use std::{
    io::{self, Write},
    os::fd::BorrowedFd,
    time::Duration,
};

use tokio::{select, task, time};

use crate::{
    event::block_on,
    log::{merged::Merged, outlet::Outlet},
};

/// How long the last of the logs may take: whoever reads them may have halted.
const PATIENCE: Duration = Duration::from_millis(500);

/// Logs, and where they are shown.
#[derive(Debug)]
pub(crate) struct Shown<'l> {
    logs: &'l mut Merged,
    outlet: Outlet,
    has_more: bool,
}

impl<'l> Shown<'l> {
    /// Shows these logs from now on, inside a runtime.
    ///
    /// # Errors
    /// When they cannot be watched.
    pub(crate) fn on(logs: &'l mut Merged, stream: BorrowedFd<'_>) -> io::Result<Self> {
        logs.watch()?;
        Ok(Self { logs, outlet: Outlet::of(stream)?, has_more: false })
    }

    /// Shows a round of what is new; tells whether that was all.
    pub(crate) fn round(&mut self) -> bool {
        self.has_more = self.outlet.is_clear() && self.logs.copy(&mut self.outlet).unwrap_or(false);
        self.outlet.put();
        self.outlet.is_clear() && !self.has_more
    }

    /// Waits until there may be more to show.
    pub(crate) async fn changed(&mut self) {
        let is_due = self.has_more && self.outlet.is_clear();
        select! {
            () = self.logs.changed() => {}
            () = self.outlet.changed() => {}
            () = task::yield_now(), if is_due => {}
        }
    }
}

/// Shows what comes, without end.
pub async fn show(logs: &mut Merged, stream: BorrowedFd<'_>) {
    // what cannot be watched is shown in the end
    let Ok(mut shown) = Shown::on(logs, stream) else { return };
    loop {
        shown.round();
        shown.changed().await;
    }
}

/// Shows the rest, to the last byte, and then these lines.
pub fn rest(logs: &mut Merged, stream: BorrowedFd<'_>, lines: &[String]) {
    let all = async {
        let Ok(mut shown) = Shown::on(logs, stream) else { return };
        while !shown.round() {
            shown.changed().await;
        }
        let Shown { logs, mut outlet, .. } = shown;
        let _ = logs.end(&mut outlet);
        let _ = lines.iter().try_for_each(|line| writeln!(outlet, "{line}"));
        outlet.put();
        while !outlet.is_clear() {
            outlet.changed().await;
            outlet.put();
        }
    };
    // one that does not take it in time goes without
    let _ = block_on(async { time::timeout(PATIENCE, all).await });
}
