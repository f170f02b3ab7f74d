//! `start_id`, in two kinds that one bit tells apart: where one tool may open pidfds and another may not (seccomp), each
//! must see which kind it is handed.
//!
//! It is the ticks that bear the bit: a number of before there were two kinds then reads as an inode, and the worst that can
//! be said of it is that it cannot be told. Ticks are those of the machine, not of a time namespace, which counts from
//! elsewhere. Both kinds, the bit included, stay below 2^53, which JavaScript and jq keep exact. Across boots neither means
//! anything: who keeps one that long keeps the boot's ID with it.

use std::sync::OnceLock;

/// Set in a start time: more ticks than a machine ever runs, more processes than it ever starts.
const IS_TICKS: u64 = 1 << 52;

/// What a `start_id` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The inode of a pidfd.
    Inode,
    /// A start time.
    Ticks,
    /// Nothing that was ever given to a process.
    Neither,
}

impl Kind {
    pub(crate) fn of(start_id: u64) -> Self {
        match start_id / IS_TICKS {
            0 => Self::Inode,
            1 => Self::Ticks,
            _ => Self::Neither,
        }
    }
}

/// Makes one of a pidfd's inode.
pub(crate) fn of_inode(inode: u64) -> u64 {
    inode % IS_TICKS
}

/// Makes one of a start time in ticks, as this process reads it.
pub(crate) fn of_ticks(ticks: u64) -> u64 {
    static AHEAD: OnceLock<i64> = OnceLock::new();
    // without the file there are no time namespaces
    let read = || ahead(&String::from_utf8_lossy(&super::read_file("/proc/self/timens_offsets").unwrap_or_default()));
    IS_TICKS | (ticks.saturating_sub_signed(*AHEAD.get_or_init(read)) % IS_TICKS)
}

/// Reads by how many ticks this time namespace is ahead of the machine: time_namespaces(7).
fn ahead(text: &str) -> i64 {
    let boot = text.lines().find_map(|line| line.trim().strip_prefix("boottime"));
    let mut numbers = boot.unwrap_or_default().split_ascii_whitespace().map_while(|number| number.parse::<i64>().ok());
    let (seconds, nanos) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    let rate = i64::try_from(rustix::param::clock_ticks_per_second()).unwrap_or(100);
    seconds.saturating_mul(rate).saturating_add(nanos / (1_000_000_000 / rate))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kinds_are_told_apart_and_stay_exact_in_a_double() {
        for count in [0, 1, 301, IS_TICKS - 1] {
            let (inode, ticks) = (of_inode(count), of_ticks(count));
            assert_eq!((Kind::of(inode), Kind::of(ticks)), (Kind::Inode, Kind::Ticks), "{count}");
            assert!(inode.max(ticks) < 1 << 53, "{count}");
        }
        assert_eq!([1 << 53, u64::MAX].map(Kind::of), [Kind::Neither; 2]);
        assert_ne!(of_ticks(7), of_ticks(8));
    }

    #[test]
    fn the_offset_of_a_time_namespace_is_read_in_ticks() {
        for (text, hundredths) in [
            ("", 0),
            ("monotonic           0         0\nboottime            0         0\n", 0),
            ("monotonic       86400         0\nboottime         3600 500000000\n", 360_050),
            ("boottime      -604800         0\n", -60_480_000),
        ] {
            let rate = i64::try_from(rustix::param::clock_ticks_per_second()).expect("it is small");
            assert_eq!(ahead(text), hundredths * rate / 100, "{text}");
        }
    }
}
