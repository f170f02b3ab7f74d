//! Disks without room: a server that crashes is started again all the same, and one that writes is never held up.

use std::{fs, net::TcpStream, path::PathBuf, process::Command, thread, time::Duration};

use nix::sys::signal::Signal;

use crate::{
    kept::{SOON, scripted},
    site::{Site, send},
    support::{Fixture, Tool, eventually, installed, skipped},
};

/// A site whose state folder is a small disk of its own, in a mount namespace.
struct SmallDisk {
    site: Site,
    namespaces: Fixture,
    is_root: bool,
}

impl SmallDisk {
    fn new() -> Option<Self> {
        for program in ["unshare", "nsenter", "mount", "dd"] {
            installed(program)?;
        }
        let is_root = nix::unistd::geteuid().is_root();
        let new = if is_root { "-m" } else { "-rm" };
        let site = Site::new();
        fs::create_dir(site.path("state")).expect("the folder is ours");
        let script = "mount -t tmpfs -o size=256k,mode=700 tmpfs state && echo ready && exec sleep 100";
        if !Command::new("unshare")
            .args([new, "sh", "-c", "mount -t tmpfs tmpfs /tmp"])
            .output()
            .is_ok_and(|run| run.status.success())
        {
            skipped("no disk can be mounted in a namespace of its own here");
            return None;
        }
        let mut holder = Command::new("unshare");
        holder.args([new, "sh", "-c", script]).current_dir(site.folder());
        Some(Self { site, namespaces: Fixture::spawn(holder), is_root })
    }

    fn inside(&self, words: &[&str]) -> Tool {
        let pid = self.namespaces.pid().to_string();
        let tool = Tool::new("nsenter").args(["-t", &pid, "-m", "--wd"]).any_stdout().any_stderr();
        let tool = if self.is_root { tool } else { tool.args(["-U", "--preserve-credentials"]) };
        tool.args(words).env("ENSURE_UP_DIR", self.site.path("state"))
    }

    fn ensure_up<A: AsRef<str>>(&self, options: &[&str], command: &[A]) -> Tool {
        let port = self.site.port.to_string();
        let mut words = vec![env!("CARGO_BIN_EXE_ensure-up")];
        words.extend(options.iter().copied().chain(["--port", &port]));
        if !command.is_empty() {
            words.extend(["--"].into_iter().chain(command.iter().map(AsRef::as_ref)));
        }
        self.inside(&words)
    }

    /// The state folder, as it is seen from outside.
    fn state(&self) -> PathBuf {
        let folder = self.site.path("state");
        let below = folder.strip_prefix("/").expect("a path from the root");
        PathBuf::from(format!("/proc/{}/root", self.namespaces.pid())).join(below)
    }

    fn fill(&self) {
        let to = format!("of={}", self.site.word("state/filled"));
        self.inside(&["dd", "if=/dev/zero", &to, "bs=4k"]).status(1).run();
    }

    fn recorded(&self) -> serde_json::Value {
        let entries = fs::read_dir(self.state()).expect("the state folder").flatten();
        let path = entries.map(|entry| entry.path()).find(|path| path.extension().is_some_and(|kind| kind == "json"));
        path.and_then(|path| serde_json::from_slice(&fs::read(path).ok()?).ok()).unwrap_or_default()
    }
}

#[test]
fn a_server_that_crashes_on_a_full_disk_is_started_again_and_recorded_later() {
    let Some(disk) = SmallDisk::new() else { return };
    let site = &disk.site;
    disk.ensure_up(&SOON, &site.server(&[])).run();
    disk.fill();
    send(site.started()[0], Signal::SIGKILL);
    eventually("the second server", || site.alive().len() == 1 && site.started().len() == 2);
    eventually("its answer", || TcpStream::connect(("127.0.0.1", site.port)).is_ok());
    let port = site.port.to_string();
    let second = site.started()[1];
    eventually("a status that is so", || {
        let status = disk.inside(&[env!("CARGO_BIN_EXE_ensure-up"), "--status", "--json", &port]).run();
        let records = status.records();
        records.len() == 1 && records[0]["pid"] == second && records[0]["healthy"] == true
    });
    // the same call finds it up, and leaves it so
    let again = disk.ensure_up(&[&SOON[..], &["--json"]].concat(), &site.server(&[])).run();
    assert_eq!(again.records()[0]["pid"], second);
    assert_eq!(site.started().len(), 2);
    fs::remove_file(disk.state().join("filled")).expect("the disk is filled");
    eventually("the record", || disk.recorded()["pid"] == second && disk.recorded()["restarts"] == 1);
    disk.fill();
    disk.ensure_up::<&str>(&["--stop"], &[]).run();
    assert_eq!((site.alive(), disk.recorded()["phase"] == "ready"), (Vec::new(), false));
}

#[test]
fn a_record_that_cannot_be_written_is_kept_until_it_can() {
    let site = Site::new();
    site.kept(&[], &site.server(&[]));
    let record = site.record();
    fs::remove_file(&record).expect("a record");
    fs::create_dir_all(record.join("in the way")).expect("a folder in its place");
    send(site.started()[0], Signal::SIGKILL);
    eventually("the second server", || site.alive().len() == 1 && site.started().len() == 2);
    eventually("that it is told", || {
        site.logged().contains("ensure-up: ") && site.logged().contains("cannot write a record")
    });
    // it is ready by then, and nothing more happens to it
    eventually("its answer", || TcpStream::connect(("127.0.0.1", site.port)).is_ok());
    thread::sleep(Duration::from_millis(300));
    fs::remove_dir_all(&record).expect("the folder is ours");
    eventually("the record", || site.recorded("phase") == "ready" && site.recorded("restarts") == 1);
    assert_eq!(site.recorded("pid"), site.started()[1]);
}

#[test]
fn a_server_that_is_up_on_a_full_disk_is_found_so_and_none_is_started_without_a_record() {
    let Some(disk) = SmallDisk::new() else { return };
    let site = &disk.site;
    disk.fill();
    let refused = disk.ensure_up(&[], &site.server(&[])).status(125).run();
    assert!(refused.stderr.contains("no space left on device"), "{}", refused.stderr);
    assert!(site.alive().is_empty());
    fs::remove_file(disk.state().join("filled")).expect("the disk is filled");
    // it fills the disk itself before it is ready
    let filled = site.word("state/filled");
    let command = scripted(&format!(r#"dd if=/dev/zero of='{filled}' bs=4k 2>/dev/null; exec "$@" >/dev/null"#));
    assert_eq!(disk.ensure_up(&["--json"], &command).run().records()[0]["action"], "started");
    disk.ensure_up(&[], &command).run();
    disk.ensure_up::<&str>(&["--stop"], &[]).run();
    assert!(site.alive().is_empty());
}

#[test]
fn a_server_whose_log_has_no_room_is_not_held_up() {
    let Some(disk) = SmallDisk::new() else { return };
    let site = &disk.site;
    let line = "x".repeat(1000);
    let script =
        format!(r#"(n=0; while [ $n -lt 3000 ]; do echo {line}; n=$((n+1)); done; echo done > done) & exec "$@""#);
    disk.ensure_up(&SOON, &scripted(&script)).run();
    eventually("the end of what it writes", || site.path("done").exists());
    assert_eq!(site.alive().len(), 1);
    disk.ensure_up::<&str>(&["--stop"], &[]).run();
}
