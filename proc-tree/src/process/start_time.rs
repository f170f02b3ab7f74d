//! When a process started, by the kernel's own clock.

/// When a process started: ordered, to the grain that the kernel keeps (a clock tick of 10 ms on Linux, a microsecond on
/// macOS), and comparable within one boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StartTime(
    /// The kernel's count since it booted; on macOS since the epoch.
    pub u64,
);
