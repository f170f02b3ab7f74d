//! Moments as people say them: in local time.

use std::{
    mem::MaybeUninit,
    time::{SystemTime, UNIX_EPOCH},
};

use nix::libc::{localtime_r, tm};

/// Shows a moment: `10:02` on the day of `now`, else with its date, `2026-11-21 10:02`; `None` where the system cannot tell.
pub fn minute(at: SystemTime, now: SystemTime) -> Option<String> {
    let (at, now) = (local(at)?, local(now)?);
    let time = format!("{:02}:{:02}", at.tm_hour, at.tm_min);
    let is_today = (at.tm_year, at.tm_yday) == (now.tm_year, now.tm_yday);
    let date = || format!("{}-{:02}-{:02} {time}", at.tm_year + 1900, at.tm_mon + 1, at.tm_mday);
    Some(if is_today { time.clone() } else { date() })
}

/// Shows the time of a moment, `10:02:59`; `None` where the system cannot tell.
pub fn second(at: SystemTime) -> Option<String> {
    let at = local(at)?;
    Some(format!("{:02}:{:02}:{:02}", at.tm_hour, at.tm_min, at.tm_sec))
}

/// Breaks a moment down, in the zone that `TZ` or the system names (localtime(3)).
fn local(at: SystemTime) -> Option<tm> {
    let seconds = at.duration_since(UNIX_EPOCH).ok()?.as_secs().try_into().ok()?;
    let mut parts = MaybeUninit::zeroed();
    // SAFETY: both pointers are valid for the call, which keeps neither; a structure of zeroes is a valid one.
    unsafe { (!localtime_r(&raw const seconds, parts.as_mut_ptr()).is_null()).then(|| parts.assume_init()) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_moment_of_another_day_has_its_date() {
        let now = SystemTime::now();
        let shown = |ago: u64| minute(now - Duration::from_secs(ago), now).expect("the system knows its zone");
        assert_eq!((shown(0).len(), shown(0).as_bytes()[2]), (5, b':'));
        assert!(second(now).is_some_and(|time| time.starts_with(&shown(0)) && time.len() == 8));
        let before = shown(48 * 3600);
        assert!(before.len() == 16 && before.starts_with("20") && before.as_bytes()[10] == b' ', "{before}");
    }
}
