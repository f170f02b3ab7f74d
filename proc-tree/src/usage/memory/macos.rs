//! macOS: proc_pid_rusage of libproc. Type-checked from Linux, never run.
//!
//! The physical footprint is what the kernel holds against a process: it counts Metal and IOKit buffers and compressed
//! pages, and leaves out clean pages of mapped files, which the resident set has.

use std::io;

use super::amount::{Measure, Memory};
use crate::process::{if_exists, rusage};

pub(super) const BEST: Measure = Measure::Footprint;

/// What a process without memory of its own has.
const EMPTY: Memory = Memory { pss: None, uss: None, swap: None, ..Memory::NONE };

pub(super) fn resident(pid: u32) -> io::Result<Option<u64>> {
    Ok(if_exists(rusage(pid))?.map(|usage| usage.ri_resident_size))
}

/// There are no proportional or unique sets, and nothing is costly.
pub(super) fn read(pid: u32, rss: Option<u64>, _costly: bool) -> Memory {
    if rss == Some(0) {
        return EMPTY;
    }
    let footprint = if_exists(rusage(pid)).ok().map(|usage| usage.map_or(0, |usage| usage.ri_phys_footprint));
    Memory { rss, footprint, ..Memory::UNKNOWN }
}
