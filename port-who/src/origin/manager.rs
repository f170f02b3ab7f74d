//! Who owns a process beyond its parents: a service manager's unit, a container's runtime.
//!
//! One façade: Linux reads the process's control group; macOS infers launchd's jobs, type-checked and never run.

use proc_tree::Facts;

#[cfg_attr(target_os = "linux", path = "linux.rs")]
#[cfg_attr(target_os = "macos", path = "macos.rs")]
mod platform;

/// Who keeps a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Manager {
    /// A service of systemd's or OpenRC's.
    Unit {
        /// The unit's name, such as `nginx.service`.
        name: String,
        /// Whether it belongs to a user's own manager (`systemctl --user`).
        user: bool,
    },
    /// A container.
    Container {
        /// The whole ID, or the name where the runtime has no IDs.
        id: String,
        /// Who runs it: `docker`, `podman`, `containerd`, `cri-o`, `kubernetes`, `lxc`, `nspawn`.
        runtime: &'static str,
    },
    /// launchd(8).
    Launchd,
}

/// Finds out who keeps a process; `None` where nobody does or it cannot be seen.
pub fn manager(process: &Facts) -> Option<Manager> {
    platform::manager(process)
}
