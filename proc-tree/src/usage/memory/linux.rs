//! Linux: `statm`, `smaps_rollup` and `status` below /proc/PID.

use std::io;

use super::amount::{Measure, Memory, known};
use crate::process::{self, if_exists};

pub(super) const BEST: Measure = Measure::Pss;

/// What a process without memory of its own has: a kernel thread, a zombie.
const EMPTY: Memory = Memory { footprint: None, ..Memory::NONE };

/// proc_pid_statm(5): the resident set as it is. The one in `stat` lags behind, by a quarter for a small process.
pub(super) fn resident(pid: u32) -> io::Result<Option<u64>> {
    let Some(text) = if_exists(read_text(pid, "statm"))? else { return Ok(None) };
    let pages: Option<u64> = text.split_ascii_whitespace().nth(1).and_then(|pages| pages.parse().ok());
    match pages {
        Some(pages) => Ok(Some(pages * rustix::param::page_size() as u64)),
        None => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// Reads the rest. Only `costly` walks the page tables; what swap(ped) pages are shared is known from there too.
///
/// A resident set of 0 may be that of a process that was swapped out, or of one so small that the kernel has counted it nowhere
/// yet (since Linux 6.2 each CPU keeps up to some dozen pages to itself): its page tables tell, and are no long walk.
pub(super) fn read(pid: u32, rss: Option<u64>, costly: bool) -> Memory {
    let is_uncounted = rss == Some(0);
    if (costly || is_uncounted)
        && let Ok(shares) = shares(pid)
    {
        let shares = shares.unwrap_or(EMPTY);
        return Memory { rss: if is_uncounted { shares.rss } else { rss }, ..shares };
    }
    Memory { rss, swap: known(swap(pid)), ..Memory::UNKNOWN }
}

/// `/proc/PID/smaps_rollup`: see proc_pid_smaps(5). What has no memory of its own has none.
fn shares(pid: u32) -> io::Result<Option<Memory>> {
    let text = read_text(pid, "smaps_rollup");
    // before Linux 4.14, and in gVisor, no process has it
    let is_missing = text.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
    if is_missing && process::read(pid, "statm").is_ok() {
        return Err(io::ErrorKind::Unsupported.into());
    }
    let Some(text) = if_exists(text)? else { return Ok(None) };
    let unique = ["Private_Clean:", "Private_Dirty:", "Private_Hugetlb:"];
    Ok(Some(Memory {
        rss: kibibytes(&text, "Rss:"),
        pss: kibibytes(&text, "Pss:"),
        uss: Some(unique.iter().filter_map(|name| kibibytes(&text, name)).sum()),
        swap: kibibytes(&text, "SwapPss:"),
        ..Memory::UNKNOWN
    }))
}

/// `VmSwap` counts a page once per process, and is told of any user's process. What has no memory of its own has no line of it.
fn swap(pid: u32) -> io::Result<Option<u64>> {
    let Some(text) = if_exists(read_text(pid, "status"))?.filter(|text| text.contains("\nVmSize:")) else {
        return Ok(None);
    };
    kibibytes(&text, "VmSwap:").map(Some).ok_or_else(|| io::ErrorKind::Unsupported.into())
}

/// The name in `status` may be no UTF-8; all else is ASCII.
fn read_text(pid: u32, name: &str) -> io::Result<String> {
    process::read(pid, name).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn kibibytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_in_kb_count_by_1024_and_similar_names_are_not_mixed_up() {
        let text = "Rss:    1736 kB\nPss:     285 kB\nPss_Dirty:  116 kB\nSwap:  8 kB\nSwapPss:   4 kB\n";
        assert_eq!(kibibytes(text, "Pss:"), Some(285 * 1024));
        assert_eq!(kibibytes(text, "SwapPss:"), Some(4096));
        assert_eq!(kibibytes(text, "VmSwap:"), None);
    }
}
