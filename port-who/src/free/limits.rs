//! Which ports the system hands out to clients, and which it keeps for root.

use std::{io, ops::RangeInclusive};

/// Returns the ports from which clients get theirs: another program may be on any of them a moment later. See
/// `ip_local_port_range` in ip(7).
///
/// # Errors
/// When the kernel does not tell.
#[cfg(target_os = "linux")]
pub(super) fn ephemeral() -> io::Result<RangeInclusive<u16>> {
    let text = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range")?;
    let malformed = || io::Error::new(io::ErrorKind::InvalidData, "ip_local_port_range has an unknown form");
    let mut bounds = text.split_ascii_whitespace().map(str::parse);
    match (bounds.next(), bounds.next()) {
        (Some(Ok(first)), Some(Ok(last))) => Ok(first..=last),
        _ => Err(malformed()),
    }
}

/// Returns the first port that a program of any user may bind: `ip_unprivileged_port_start` in ip(7), which no kernel before
/// 4.11 has.
#[cfg(target_os = "linux")]
pub(super) fn first_unprivileged() -> u16 {
    let text = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start").unwrap_or_default();
    text.trim().parse().unwrap_or(1024)
}

/// As IANA has it, and Darwin by default. Type-checked from Linux, never run.
#[cfg(target_os = "macos")]
#[expect(clippy::unnecessary_wraps, reason = "on other platforms the kernel has to be asked")]
pub(super) fn ephemeral() -> io::Result<RangeInclusive<u16>> {
    Ok(49152..=u16::MAX)
}

#[cfg(target_os = "macos")]
pub(super) fn first_unprivileged() -> u16 {
    1024
}
