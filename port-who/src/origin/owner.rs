//! Who looks after a process beyond its parents.
//!
//! One façade: Linux reads the process's control group; macOS infers launchd's jobs, type-checked and never run.

use proc_tree::Facts;

#[cfg(target_os = "linux")]
use super::manager::cgroup as platform;
#[cfg(target_os = "macos")]
use super::manager::launchd as platform;
use super::{
    manager::Manager,
    program::{Program, Role, program},
};

/// Finds out who keeps a process; `None` where nobody does or it cannot be seen.
pub fn manager(process: &Facts) -> Option<Manager> {
    platform::manager(process)
}

/// Finds out who looks after a process.
pub(super) fn owner(process: &Facts) -> Option<Manager> {
    manager(process).filter(|manager| looks_after(manager, program(process)))
}

/// What a login or a clock daemon started is in that daemon's unit, which looks after the daemon alone.
fn looks_after(manager: &Manager, program: Option<Program>) -> bool {
    let Manager::Unit { name, .. } = manager else { return true };
    let stem = name.split(['.', '@']).next().unwrap_or_default();
    let daemon = Program::recognise(if stem == "ssh" { "sshd" } else { stem }, &[])
        .filter(|program| matches!(program.role, Role::Ssh | Role::Cron | Role::Multiplexer));
    daemon.is_none_or(|daemon| program.is_some_and(|program| program.role == daemon.role))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_of_a_login_or_a_clock_looks_after_its_daemon_alone() {
        let unit = |name: &str| Manager::Unit { name: name.into(), user: false };
        let program = |name: &str| Program::recognise(name, &[]);
        for (manager, name, expected) in [
            (unit("nginx.service"), "nginx", true),
            (unit("ssh.service"), "sshd", true),
            (unit("ssh.service"), "python3", false),
            (unit("sshd@3.service"), "node", false),
            (unit("cron.service"), "cron", true),
            (unit("cron.service"), "backup", false),
            (Manager::Launchd, "anything", true),
        ] {
            assert_eq!(looks_after(&manager, program(name)), expected, "{manager:?} {name}");
        }
    }
}
