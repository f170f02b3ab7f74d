//! What a process and a tree have in memory.
//!
//! Processes share pages, above all after a fork: the sum of resident sets counts such a page once per process.
//! The proportional set (PSS) divides each page among those that map it, so that a sum over a tree is a true number.
//! One façade for both platforms; the macOS side has been type-checked, never run.

use std::io;

use crate::{process, tree};

mod amount;
#[cfg_attr(target_os = "linux", path = "memory/linux.rs")]
#[cfg_attr(target_os = "macos", path = "memory/macos.rs")]
mod platform;

pub(crate) use amount::add;
use amount::known;
pub use amount::{Measure, Memory};

/// [`Choice::Auto`] reads no proportional sets above this sum of resident sets: that costs up to 10 ms per GiB and
/// holds each process's memory map meanwhile.
const EXACT_UP_TO: u64 = 16 << 30;

/// Which measure is wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum Choice {
    /// The truest that can be had for every member of the tree at a fair price.
    #[default]
    Auto,
    /// The proportional set.
    Pss,
    /// The unique set.
    Uss,
    /// The resident set.
    Rss,
}

impl Choice {
    /// Returns the measure that was asked for by name; `None` for [`Choice::Auto`].
    pub fn measure(self) -> Option<Measure> {
        match self {
            Self::Auto => None,
            Self::Pss => Some(Measure::Pss),
            Self::Uss => Some(Measure::Uss),
            Self::Rss => Some(Measure::Rss),
        }
    }

    /// Tells whether page tables are walked for a tree with this sum of resident sets.
    fn reads_more_than(self, resident: Option<u64>, exact: bool) -> bool {
        match self {
            Self::Auto => exact && resident.is_some_and(|sum| sum <= EXACT_UP_TO),
            Self::Rss => false,
            Self::Pss | Self::Uss => true,
        }
    }
}

/// Reads the memory of processes that form one tree, in their order, and says which measure holds for all of them.
///
/// A process that is gone has none. `exact` tells whether [`Choice::Auto`] may still answer with more than resident
/// sets: a caller that watches keeps to one measure.
pub(crate) fn of_all(pids: &[u32], choice: Choice, exact: bool) -> (Vec<Memory>, Measure) {
    let resident: Vec<(u32, Option<u64>)> = pids.iter().map(|&pid| resident(pid)).collect();
    let sum = resident.iter().map(|&(_, rss)| rss).fold(Some(0), add);
    let costly = choice.reads_more_than(sum, exact);
    let each: Vec<Memory> = resident.into_iter().map(|(told_by, rss)| platform::read(told_by, rss, costly)).collect();
    let best = platform::BEST;
    let measure = choice
        .measure()
        .unwrap_or_else(|| if exact && Memory::sum(&each).by(best).is_some() { best } else { Measure::Rss });
    (each, measure)
}

/// Reads a resident set, and says who tells it and the rest: the process, or a thread where the main one has exited.
fn resident(pid: u32) -> (u32, Option<u64>) {
    let rss = known(platform::resident(pid));
    let thread = if rss == Some(0) { process::other_thread(pid) } else { None };
    thread.map_or((pid, rss), |thread| (thread, known(platform::resident(thread))))
}

/// Sums the memory of a process and its descendants now, by the truest measure that can be had for all of them;
/// `None` for a process that does not exist.
///
/// # Errors
/// When the tree cannot be read.
pub fn of_tree(root: u32) -> io::Result<Option<(Memory, Measure)>> {
    let pids: Vec<u32> = tree::members(root)?.iter().map(|member| member.pid).collect();
    if pids.is_empty() {
        return Ok(None);
    }
    let (each, measure) = of_all(&pids, Choice::Auto, true);
    Ok(Some((Memory::sum(&each), measure)))
}

/// Sums the resident memory of a process and its descendants, which costs microseconds whatever their size; pages that
/// several share count for each. `None` for a process that does not exist.
///
/// # Errors
/// When the tree cannot be read.
pub fn resident_of_tree(root: u32) -> io::Result<Option<u64>> {
    let pids: Vec<u32> = tree::members(root)?.iter().map(|member| member.pid).collect();
    let (each, _) = of_all(&pids, Choice::Rss, true);
    Ok(Memory::sum(&each).rss.filter(|_| !pids.is_empty()))
}

/// Sums the memory of these processes now, by the truest measure that can be had for all of them.
pub fn of_these(pids: &[u32]) -> (Memory, Measure) {
    let (each, measure) = of_all(pids, Choice::Auto, true);
    (Memory::sum(&each), measure)
}

/// Sums the resident memory of these processes, which costs microseconds whatever their size; pages that several share count
/// for each. `None` where one may not be looked at.
pub fn resident_of_these(pids: &[u32]) -> Option<u64> {
    Memory::sum(&of_all(pids, Choice::Rss, true).0).rss
}

/// Reads the memory of several processes, in their order, by the truest measure that can be had for all of them;
/// `None` for one that is gone or may not be looked at.
pub fn of_processes(pids: &[u32]) -> Vec<Option<u64>> {
    let (each, measure) = of_all(pids, Choice::Auto, true);
    each.iter().map(|memory| memory.by(measure).filter(|&bytes| bytes > 0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auto_reads_no_more_than_resident_sets_above_16_gib() {
        assert!(Choice::Auto.reads_more_than(Some(16 << 30), true));
        assert!(!Choice::Auto.reads_more_than(Some((16 << 30) + 1), true));
        assert!(!Choice::Auto.reads_more_than(None, true));
        assert!(Choice::Pss.reads_more_than(Some(64 << 30), true));
    }

    #[test]
    fn a_tree_that_was_told_by_its_resident_sets_once_stays_so() {
        let (each, measure) = of_all(&[std::process::id()], Choice::Auto, false);
        assert_eq!((each[0].pss, measure), (None, Measure::Rss));
        assert!(each[0].rss.is_some_and(|bytes| bytes > 0));
    }

    #[test]
    fn one_unknown_figure_makes_the_sum_unknown() {
        let known = Memory { rss: Some(4096), ..Memory::UNKNOWN };
        let sum = Memory::sum([&known, &Memory { pss: Some(1), ..known }]);
        assert_eq!((sum.rss, sum.pss), (Some(8192), None));
    }
}
