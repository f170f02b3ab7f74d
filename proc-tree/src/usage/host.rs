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

/// Returns how much memory this process and its neighbours may use, in bytes: what the machine has, or the limit of a control
/// group that it is in where that is less; `None` when the kernel does not say.
pub fn memory_limit() -> Option<u64> {
    memory().into_iter().chain(group_limits()).min()
}

/// Reads the limits of the control groups that this process is in, from the innermost up: cgroups(7).
#[cfg(target_os = "linux")]
fn group_limits() -> Vec<u64> {
    use std::{fs, path::Path};
    let text = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let mut limits = Vec::new();
    for line in text.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(group)) = (parts.next(), parts.next()) else { continue };
        let (root, file) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max"),
            one if one.split(',').any(|one| one == "memory") => ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
            _ => continue,
        };
        for group in Path::new(group.trim_start_matches('/')).ancestors() {
            let limit = fs::read_to_string(Path::new(root).join(group).join(file));
            // `max` is no limit
            limits.extend(limit.ok().and_then(|limit| limit.trim().parse::<u64>().ok()));
        }
    }
    limits
}

#[cfg(target_os = "macos")]
fn group_limits() -> Vec<u64> {
    Vec::new()
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
