//! One look: a sample over one interval, and the report of it.

use std::{io::Write, thread, time::Duration};

use proc_tree::cli::status::Exit;

use super::{observer::Observer, output::Output, status::Status};

/// Measures for an interval and reports.
pub(crate) fn look(
    mut observer: Observer,
    interval: Duration,
    output: &Output,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    thread::sleep(interval.saturating_sub(observer.sampler.since().elapsed()));
    let records = observer.sample()?;
    let over = observer.is_over(&records, true);
    observer.say_notes();
    if records.is_empty() {
        return Ok(Status::No.into());
    }
    if output.is_wanted || !matches!(over, Ok(true)) {
        output.write(&records, true, out)?;
    }
    Ok(if over? { Status::No } else { Status::Done }.into())
}
