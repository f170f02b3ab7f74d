//! When a process started, by the kernel's own clock.

use std::time::SystemTime;

use super::platform;

/// When a process started: ordered, to the grain that the kernel keeps (a clock tick of 10 ms on Linux, a microsecond on
/// macOS), and comparable within one boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StartTime(
    /// The kernel's count since it booted; on macOS since the epoch.
    pub u64,
);

impl StartTime {
    /// Returns the start of a process that starts now.
    pub fn now() -> Self {
        Self(platform::clock())
    }

    /// Returns the time of day.
    pub fn time(self) -> SystemTime {
        platform::time_of(self.0)
    }
}
