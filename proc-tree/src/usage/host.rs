//! What the machine has: memory and CPUs.

#[cfg(target_os = "linux")]
use std::{
    fs,
    path::{Path, PathBuf},
};
use std::{process, sync::OnceLock};

use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

#[cfg(target_os = "linux")]
use crate::process::read;

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
    memory_for(process::id())
}

/// Returns the same for another process.
pub(crate) fn memory_for(pid: u32) -> Option<u64> {
    memory().into_iter().chain(group_limits(pid)).min()
}

/// Reads the limits of the control groups that a process is in, from the innermost up: cgroups(7).
#[cfg(target_os = "linux")]
fn group_limits(pid: u32) -> Vec<u64> {
    let groups = read(pid, "cgroup").map(|text| String::from_utf8_lossy(&text).into_owned()).unwrap_or_default();
    let files = groups.lines().flat_map(limit_files);
    // `max` is no limit
    files.filter_map(|file| fs::read_to_string(file).ok()?.trim().parse().ok()).collect()
}

/// Names the files that hold a limit, by a line of /proc/PID/cgroup: `0::/user.slice` in version 2, `4:memory:/docker/1` in 1.
#[cfg(target_os = "linux")]
fn limit_files(line: &str) -> Vec<PathBuf> {
    let mut parts = line.splitn(3, ':').skip(1);
    let (Some(controllers), Some(group)) = (parts.next(), parts.next()) else { return Vec::new() };
    let (root, file) = match controllers {
        "" => ("/sys/fs/cgroup", "memory.max"),
        one if one.split(',').any(|one| one == "memory") => ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
        _ => return Vec::new(),
    };
    // in a container that sees the host's names only the last of these, its own group, is there
    let groups = Path::new(group.trim_start_matches('/')).ancestors();
    groups.map(|group| Path::new(root).join(group).join(file)).collect()
}

#[cfg(target_os = "macos")]
fn group_limits(_pid: u32) -> Vec<u64> {
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
    #[cfg(target_os = "linux")]
    #[test]
    fn a_limit_is_looked_for_in_each_group_up_to_the_root() {
        let files = |line: &str| limit_files(line).iter().map(|file| file.display().to_string()).collect::<Vec<_>>();
        let version_2 =
            ["/sys/fs/cgroup/a.slice/b/memory.max", "/sys/fs/cgroup/a.slice/memory.max", "/sys/fs/cgroup/memory.max"];
        assert_eq!(files("0::/a.slice/b"), version_2);
        let version_1 =
            ["/sys/fs/cgroup/memory/x:y/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
        assert_eq!(files("4:hugetlb,memory:/x:y"), version_1);
        assert_eq!(files("0::/"), ["/sys/fs/cgroup/memory.max"]);
        assert!(files("1:cpu,cpuacct:/").is_empty() && files("").is_empty());
    }
}
