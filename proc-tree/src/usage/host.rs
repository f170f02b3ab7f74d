//! What the machine has: memory and CPUs.

use std::sync::OnceLock;

use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

/// Returns how much memory the machine has, in bytes; `None` when the kernel does not say.
pub(crate) fn memory() -> Option<u64> {
    static KNOWN: OnceLock<Option<u64>> = OnceLock::new();
    *KNOWN.get_or_init(|| {
        let memory = RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram());
        System::new_with_specifics(memory).ok().map(|host| host.total_memory()).filter(|&bytes| bytes > 0)
    })
}

/// Returns how many CPUs the machine runs on: more than that nobody uses at a time.
///
/// Not what this process may run on: a tree may run elsewhere.
pub(crate) fn cpus() -> Option<u32> {
    static KNOWN: OnceLock<Option<u32>> = OnceLock::new();
    *KNOWN.get_or_init(|| {
        let cpus = RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing());
        let count = System::new_with_specifics(cpus).ok()?.cpus().len();
        u32::try_from(count).ok().filter(|&count| count > 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_has_memory_and_cpus() {
        assert!(memory().is_some_and(|bytes| bytes > 1 << 20));
        let usable = std::thread::available_parallelism().expect("the machine has CPUs").get();
        assert!(cpus().is_some_and(|count| usize::try_from(count).is_ok_and(|count| count >= usable)));
    }
}
