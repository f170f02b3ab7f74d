//! Names: a resolver that hangs must not keep the tool from ending in time.

use std::{fs, net::UdpSocket, path::Path, time::Duration};

use tempfile::TempDir;

use super::health_wait;
use crate::support::{Tool, free_port, skipped, unshare};

#[test]
fn a_name_that_does_not_exist_says_so() {
    let output = health_wait().args(["--once", "http://no-such-host.invalid/"]).status(1).any_stderr().run();
    let said = "health-wait: http://no-such-host.invalid/ is not healthy: cannot resolve no-such-host.invalid: ";
    assert!(output.stderr.starts_with(said), "{}", output.stderr);
}

/// Where a name server takes every question and answers none, and the hosts file is empty.
struct Unnamed {
    folder: TempDir,
    _silent: UdpSocket,
}

impl Unnamed {
    /// `None` where that cannot be set up.
    fn new() -> Option<Self> {
        if !cfg!(target_os = "linux") {
            return None;
        }
        unshare(&["--mount"])?;
        let Ok(silent) = UdpSocket::bind("127.53.53.53:53") else {
            skipped("port 53 cannot be bound");
            return None;
        };
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("resolv.conf"), "nameserver 127.53.53.53\noptions timeout:30 attempts:1\n")
            .expect("a file");
        fs::write(folder.path().join("hosts"), "").expect("a file");
        if ["hosts", "resolv.conf"].iter().any(|file| !Path::new("/etc").join(file).exists()) {
            skipped("there is nothing in whose place to put the files");
            return None;
        }
        Some(Self { folder, _silent: silent })
    }

    fn asked(&self, arguments: &[&str]) -> Tool {
        let script = "for file in hosts resolv.conf; do mount --bind $file /etc/$file || exit 99; done; exec \"$@\"";
        let isolated = Tool::new("unshare").args(["--mount", "sh", "-c", script, "sh"]).cwd(self.folder.path());
        isolated.arg(env!("CARGO_BIN_EXE_health-wait")).args(arguments).any_stderr()
    }
}

#[test]
fn a_resolver_that_hangs_does_not_keep_the_deadline_from_passing() {
    let Some(unnamed) = Unnamed::new() else { return };
    for (arguments, status, reason) in [
        (["--timeout=500ms", "http://hanging.example/"], 124, "no answer from DNS yet"),
        (["--timeout=500ms", "hanging.example:80"], 124, "no answer from DNS yet"),
    ] {
        let output = unnamed.asked(&arguments).status(status).run();
        assert!(output.stderr.trim_end().ends_with(reason), "{}", output.stderr);
        assert!(output.took < Duration::from_secs(5), "{:?}", output.took);
    }
    let output = unnamed.asked(&["--once", "--attempt-timeout=200ms", "hanging.example:80"]).status(1).run();
    assert!(output.stderr.ends_with(": no answer from DNS within 200 ms\n"), "{}", output.stderr);
    // nobody has to tell where this machine is
    let nobody = format!("localhost:{}", free_port());
    unnamed.asked(&["--down", "--once", "--attempt-timeout=200ms", &nobody]).run();
    unnamed.asked(&["--down", "--timeout=10s", "--attempt-timeout=200ms", &nobody]).run();
}
