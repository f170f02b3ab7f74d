//! Service managers and container runtimes: who keeps a process, whatever its parents do.

#[cfg(target_os = "linux")]
pub(super) mod cgroup;
#[cfg(target_os = "macos")]
pub(super) mod launchd;

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

/// Returns a container's ID as its runtime's commands show it; a name is whole.
pub fn short_id(id: &str) -> &str {
    if is_id(id) { &id[..12] } else { id }
}

fn is_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
