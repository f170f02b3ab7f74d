//! Linux: the control group's path names the unit or the container, proc_pid_cgroup(5).

use std::{fs, slice};

use proc_tree::Facts;

use super::{Manager, is_id};

pub(in crate::origin) fn manager(process: &Facts) -> Option<Manager> {
    parse(&fs::read_to_string(format!("/proc/{}/cgroup", process.pid)).ok()?)
}

/// Reads one line per hierarchy, `number:controllers:path`; version 2 has one alone, `0::path`.
fn parse(text: &str) -> Option<Manager> {
    let paths: Vec<&str> = text.lines().filter_map(|line| line.splitn(3, ':').nth(2)).collect();
    paths.iter().find_map(|path| container(path)).or_else(|| paths.iter().find_map(|path| unit(path)))
}

/// The innermost service; a user's manager (`user@1000.service`) is a service itself and keeps others.
fn unit(path: &str) -> Option<Manager> {
    let is_user_manager = |name: &str| name.starts_with("user@");
    let mut outer = path.split('/').filter(|name| !name.is_empty());
    if let Some(name) = outer.clone().next().and_then(|first| first.strip_prefix("openrc.")) {
        return Some(Manager::Unit { name: name.to_owned(), user: false });
    }
    let name = outer.clone().rfind(|name| name.ends_with(".service") && !is_user_manager(name))?;
    Some(Manager::Unit { name: name.to_owned(), user: outer.any(is_user_manager) })
}

/// The runtimes' ways to name a container's group, by cgroupfs (`/docker/ID`) and by systemd (`docker-ID.scope`).
fn container(path: &str) -> Option<Manager> {
    const SCOPES: [(&str, &str); 6] = [
        ("docker-", "docker"),
        ("libpod-", "podman"),
        ("cri-containerd-", "containerd"),
        ("nerdctl-", "nerdctl"),
        ("crio-", "cri-o"),
        ("machine-", "nspawn"),
    ];
    const FOLDERS: [(&str, &str); 5] = [
        ("docker", "docker"),
        ("libpod_parent", "podman"),
        ("ecs", "docker"),
        ("containerd", "containerd"),
        ("kubepods", "kubernetes"),
    ];
    let names: Vec<&str> = path.split('/').filter(|name| !name.is_empty()).collect();
    // the machine's own services are below its payload, and are none of this system's
    let is_machine = |pair: &&[&str]| pair[1] == "payload";
    let machine = names.windows(2).filter(is_machine).find_map(|pair| service_of_nspawn(pair[0]));
    if let Some(name) = machine {
        return Some(found(&unescaped(name), "nspawn"));
    }
    names
        .iter()
        .find_map(|name| {
            if let Some(name) = name.strip_prefix("lxc.payload.") {
                return Some(found(name, "lxc"));
            }
            let stem = name.strip_suffix(".scope").unwrap_or(name);
            SCOPES.iter().find_map(|&(prefix, runtime)| {
                let id = stem.strip_prefix(prefix)?;
                match runtime {
                    // libvirt's virtual machine
                    "nspawn" if id.starts_with(r"qemu\x2d") => None,
                    "nspawn" => Some(found(&unescaped(id), runtime)),
                    _ => is_id(id).then(|| found(id, runtime)),
                }
            })
        })
        .or_else(|| {
            let (folder, id) = (names.first()?, names.iter().rfind(|name| is_id(name))?);
            let &(_, runtime) = FOLDERS.iter().find(|(known, _)| known == folder)?;
            Some(found(id, runtime))
        })
}

/// Returns the name of the machine that such a service runs.
fn service_of_nspawn(unit: &str) -> Option<&str> {
    unit.strip_prefix("systemd-nspawn@")?.strip_suffix(".service")
}

fn found(id: &str, runtime: &'static str) -> Manager {
    Manager::Container { id: id.to_owned(), runtime }
}

/// Reads a name that systemd has escaped, systemd-escape(1): a dash is `\x2d`.
fn unescaped(name: &str) -> String {
    let mut parts = name.split("\\x");
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let digits = part.get(..2).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let (read, rest): (&[u8], &str) = match &byte {
            Some(byte) => (slice::from_ref(byte), &part[2..]),
            None => (b"\\x", part),
        };
        bytes.extend([read, rest.as_bytes()].concat());
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "3f2a9c1b7d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8";

    #[test]
    fn services_are_told_from_sessions_and_from_users_managers() {
        let unit = |name: &str, user| Some(Manager::Unit { name: name.into(), user });
        assert_eq!(parse("0::/system.slice/nginx.service\n"), unit("nginx.service", false));
        assert_eq!(parse("1:name=systemd:/system.slice/a.service/worker\n4:cpu:/\n"), unit("a.service", false));
        assert_eq!(
            parse("0::/user.slice/user-1000.slice/user@1000.service/app.slice/web.service\n"),
            unit("web.service", true)
        );
        assert_eq!(parse("0::/openrc.nginx\n"), unit("nginx", false));
        for nobody in [
            "0::/\n",
            "0::/user.slice/user-1000.slice/session-3.scope\n",
            "0::/user.slice/user-1000.slice/user@1000.service/tmux-spawn-1.scope\n",
            "",
            "nonsense",
        ] {
            assert_eq!(parse(nobody), None, "{nobody}");
        }
    }

    #[test]
    fn containers_are_recognised_in_both_versions_and_under_both_drivers() {
        for (path, runtime) in [
            (format!("0::/system.slice/docker-{ID}.scope"), "docker"),
            (format!("12:memory:/docker/{ID}\n0::/"), "docker"),
            (format!("0::/machine.slice/libpod-{ID}.scope/container"), "podman"),
            (format!("0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{ID}.scope"), "podman"),
            (format!("0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-{ID}.scope"), "containerd"),
            (format!("0::/system.slice/nerdctl-{ID}.scope"), "nerdctl"),
            (format!("4:cpu:/kubepods/burstable/pod1/{ID}"), "kubernetes"),
            (format!("0::/kubepods.slice/kubepods-pod1.slice/crio-{ID}.scope"), "cri-o"),
        ] {
            assert_eq!(parse(&path), Some(Manager::Container { id: ID.into(), runtime }), "{path}");
        }
        assert_eq!(parse("0::/lxc.payload.web/system.slice"), Some(found("web", "lxc")));
        for (name, machine) in [
            ("debian", "debian"),
            (r"my\x2dlong\x2dmachine", "my-long-machine"),
            (r"caf\xc3\xa9", "café"),
            (r"\x2", r"\x2"),
            (r"\x+f", r"\x+f"),
            (r"\xé", r"\xé"),
        ] {
            let path = format!("0::/machine.slice/machine-{name}.scope/payload");
            assert_eq!(parse(&path), Some(found(machine, "nspawn")), "{path}");
        }
        let machine = r"0::/machine.slice/systemd-nspawn@my\x2dweb.service";
        for within in ["/payload", "/payload/system.slice/nginx.service"] {
            assert_eq!(parse(&format!("{machine}{within}")), Some(found("my-web", "nspawn")), "{within}");
        }
        let of_unit = Some(Manager::Unit { name: r"systemd-nspawn@my\x2dweb.service".into(), user: false });
        assert_eq!(parse(&format!("{machine}/supervisor")), of_unit, "what runs the machine is not in it");
        let virtual_machine = r"0::/machine.slice/machine-qemu\x2d1\x2dweb.scope/libvirt/emulator";
        assert_eq!(parse(virtual_machine), None, "a virtual machine is no container");
        assert_eq!(parse(&format!("0::/machine.slice/libpod-conmon-{ID}.scope")), None, "podman's own monitor");
    }
}
