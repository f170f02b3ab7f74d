//! Many machines: the recipes that ask several, against a server of ssh on this one, and the figures that Prometheus gets.

use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use crate::{
    SetUp,
    recipes::{Ports, written},
    site::listens,
    support::{eventually, free_port, free_ports, installed, is_root_or_skipped, shell::binaries},
};

/// Hosts `a` and `b`, which are both this machine, and a server that runs on it.
struct Hosts {
    set_up: SetUp,
    ports: Ports,
    sshd: Child,
}

impl Hosts {
    fn with(file: &str, programs: &[&str]) -> Option<Self> {
        let needed = [&["/usr/sbin/sshd", "ssh", "ssh-keygen", "jq", "python3"], programs].concat();
        let (set_up, recipe) = written(&[file], &needed)?;
        if !is_root_or_skipped() {
            return None;
        }
        let port = free_port();
        set_up.stdout(
            "ssh-keygen -q -t ed25519 -N '' -f host; ssh-keygen -q -t ed25519 -N '' -f key; mkdir -p /run/sshd bin",
        );
        let here = set_up.site.folder();
        // a path with a blank is no word of a configuration
        let link = here.with_file_name(here.file_name().expect("a name").to_string_lossy().replace(' ', "-"));
        std::os::unix::fs::symlink(&here, &link).expect("the folder above is ours");
        let (link, tools) = (link.display(), binaries());
        let server = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {link}/host\nAuthorizedKeysFile {link}/key.pub\nStrictModes no\n\
             PidFile none\nSetEnv PATH={}:/usr/bin:/bin ENSURE_UP_DIR={link}/state\n",
            tools.display()
        );
        let client = format!(
            "Host a b\nHostName 127.0.0.1\nPort {port}\nUser root\nIdentityFile {link}/key\nUserKnownHostsFile {link}/known\n\
             StrictHostKeyChecking accept-new\nLogLevel ERROR\n"
        );
        fs::write(set_up.path("sshd_config"), server).expect("the folder is ours");
        fs::write(set_up.path("config"), client).expect("the folder is ours");
        // what the recipes call
        fs::write(set_up.path("bin/ssh"), format!("#!/bin/sh\nexec /usr/bin/ssh -F {link}/config \"$@\"\n"))
            .and_then(|()| fs::set_permissions(set_up.path("bin/ssh"), fs::Permissions::from_mode(0o755)))
            .expect("the folder is ours");
        let set_up = set_up
            .with("ANSIBLE_SSH_ARGS", &format!("-F {link}/config"))
            .with("PDSH_SSH_ARGS_APPEND", &format!("-F {link}/config"))
            .with("ANSIBLE_LOCALHOST_WARNING", "False")
            .with("ANSIBLE_PIPELINING", "True")
            .with("HOME", &here.display());
        let mut sshd = Command::new("/usr/sbin/sshd");
        sshd.arg("-D").arg("-f").arg(format!("{link}/sshd_config")).arg("-E").arg(set_up.path("sshd.log"));
        let sshd = sshd.stdin(Stdio::null()).spawn().expect("sshd runs");
        listens(([127, 0, 0, 1], port).into());
        Some(Self { set_up, ports: recipe, sshd })
    }

    fn run(&self, text: &str) -> String {
        self.set_up.stdout(&format!("PATH=\"$PWD/bin:$PATH\"\n{text}"))
    }

    /// Runs a recipe that asks each host who holds the port; each names the host.
    fn name_their_hosts(&self, recipe: &str) {
        let port = self.ports.server;
        self.run(&format!("ensure-up --quiet --port {port} -- python3 -m http.server --bind 127.0.0.1 {port}"));
        self.hold(&self.run(recipe));
    }

    fn hold(&self, said: &str) {
        let records: Vec<Value> = crate::support::records(said);
        let mut hosts: Vec<_> = records.iter().filter_map(|record| record["host"].as_str()).collect();
        hosts.sort_unstable();
        assert_eq!(hosts, ["a", "b"], "{said}");
        assert!(records.iter().all(|record| record["port"] == self.ports.server && record["pid"].is_u64()), "{said}");
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        let here = self.set_up.site.folder();
        let name = here.file_name().expect("a name").to_string_lossy().replace(' ', "-");
        let link = here.with_file_name(name);
        // what was started by way of a host runs in that user's folder
        let mut stop = self.set_up.shell("ensure-up --quiet --stop --all --everywhere");
        let _ = stop.env("ENSURE_UP_DIR", link.join("state")).output();
        let _ = self.sshd.kill();
        let _ = self.sshd.wait();
        let _ = fs::remove_file(link);
    }
}

#[test]
fn ssh_names_the_host_of_each_record() {
    let Some(hosts) = Hosts::with("by-ssh", &[]) else { return };
    hosts.name_their_hosts(". ./by-ssh");
}

#[test]
fn gnu_parallel_names_the_host_of_each_record() {
    let Some(hosts) = Hosts::with("by-parallel", &["parallel"]) else { return };
    hosts.run("mkdir -p .parallel; : >.parallel/will-cite");
    hosts.name_their_hosts(". ./by-parallel");
}

#[test]
fn pdsh_names_the_host_of_each_record() {
    let Some(hosts) = Hosts::with("by-pdsh", &["pdsh"]) else { return };
    hosts.name_their_hosts(". ./by-pdsh");
}

#[test]
fn a_play_of_ansible_ensures_a_server_and_collects_who_holds_its_port() {
    let Some(hosts) = Hosts::with("play.yml", &["ansible-playbook"]) else { return };
    let said = hosts.run("ansible-playbook -i a,b, play.yml");
    assert!(said.contains("failed=0"), "{said}");
    hosts.hold(&hosts.set_up.read("holders.jsonl"));
}

#[test]
fn a_step_of_slurm_has_a_server_and_leaves_nothing() {
    // a stand-in for srun, which runs the command on the nodes of a cluster
    let Some((set_up, _)) = written(&["step"], &["bash", "python3"]) else { return };
    fs::write(set_up.path("srun"), "#!/bin/sh\nexec \"$@\"\n").expect("the folder is ours");
    assert_eq!(set_up.stdout("chmod +x srun step; PATH=\"$PWD:$PATH\" ./step"), "step: 200\n");
    eventually("the end of the server", || set_up.site.processes().is_empty());
}

/// A process that is killed when its test ends.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn prometheus_is_told_who_holds_a_port_and_what_a_server_uses() {
    let Some(set_up) = SetUp::copy("monitoring", &["python3"]) else { return };
    let first = free_ports(4);
    let (server, free, exporter, prometheus) = (first, first + 1, first + 2, first + 3);
    set_up.stdout(&format!(
        "ensure-up --quiet --name shop --port {server} -- python3 -m http.server --bind 127.0.0.1 {server}"
    ));
    set_up.stdout(&format!("mkdir out; PORTS={server},{free} ./collect out"));
    let all: String = ["ports", "trees", "servers"].map(|name| set_up.read(&format!("out/{name}.prom"))).concat();
    for line in [
        format!("port_who_holders{{port=\"{server}\"}} 1"),
        format!("port_who_holders{{port=\"{free}\"}} 0"),
        "ensure_up_healthy{name=\"shop\",".into(),
        "proc_tree_processes{pid=".into(),
    ] {
        assert!(all.contains(&line), "{line} in\n{all}");
    }
    if installed("promtool").is_none() {
        return;
    }
    set_up.stdout("promtool check rules rules.yml; promtool check config prometheus.yml");
    for name in ["ports", "trees", "servers"] {
        let mut check = set_up.shell("promtool check metrics").stdin(Stdio::piped()).spawn().expect("promtool runs");
        let text = set_up.read(&format!("out/{name}.prom"));
        check.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("promtool reads");
        assert!(check.wait().is_ok_and(|status| status.success()), "{text}");
    }
    if installed("prometheus").is_none() || installed("prometheus-node-exporter").is_none() {
        return;
    }
    let start =
        |line: String| Ended(set_up.shell(&line).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs"));
    let folder = "--collector.disable-defaults --collector.textfile --collector.textfile.directory=out";
    let _exporter = start(format!("exec prometheus-node-exporter {folder} --web.listen-address=127.0.0.1:{exporter}"));
    let config = set_up.read("prometheus.yml").replace("9100", &exporter.to_string());
    fs::write(set_up.path("prometheus.yml"), format!("global: {{ scrape_interval: 1s }}\n{config}")).expect("ours");
    let _prometheus = start(format!(
        "exec prometheus --config.file=prometheus.yml --storage.tsdb.path=data --web.listen-address=127.0.0.1:{prometheus}"
    ));
    set_up.stdout(&format!(
        "health-wait --quiet http://127.0.0.1:{prometheus}/-/ready http://127.0.0.1:{exporter}/metrics"
    ));
    let query =
        |metric: &str| set_up.stdout(&format!("promtool query instant http://127.0.0.1:{prometheus} '{metric}'"));
    eventually("a figure", || query(&format!("port_who_holders{{port=\"{free}\"}}")).contains("=> 0 "));
    assert!(query("ensure_up_healthy").contains("=> 1 "));
    assert!(query("proc_tree_memory_bytes > 1e6").contains("name=\"python3\""));
}
