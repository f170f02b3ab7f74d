//! Names: a resolver that hangs must not keep the tool from ending in time.

use std::{fs, net::UdpSocket, time::Duration};

use super::health_wait;
use crate::support::{Tool, installed, is_root_or_skipped, skipped};

#[test]
fn a_name_that_does_not_exist_says_so() {
    let output = health_wait().args(["--once", "http://no-such-host.invalid/"]).status(1).any_stderr().run();
    let said = "health-wait: http://no-such-host.invalid/ is not healthy: cannot resolve no-such-host.invalid: ";
    assert!(output.stderr.starts_with(said), "{}", output.stderr);
}

#[test]
fn a_resolver_that_hangs_does_not_keep_the_deadline_from_passing() {
    if !cfg!(target_os = "linux") || !is_root_or_skipped() || installed("unshare").is_none() {
        return;
    }
    // a name server that takes every question and answers none, in the place of the machine's for this run only
    let Ok(_silent) = UdpSocket::bind("127.53.53.53:53") else { return skipped("port 53 cannot be bound") };
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("resolv.conf");
    fs::write(&config, "nameserver 127.53.53.53\noptions timeout:30 attempts:1\n").expect("a file");
    let script = "mount --bind \"$0\" /etc/resolv.conf && shift 0 && exec \"$@\"";
    let asked = |arguments: &[&str]| {
        let isolated = Tool::new("unshare").args(["--mount", "sh", "-c", script]).arg(&config);
        isolated.arg(env!("CARGO_BIN_EXE_health-wait")).args(arguments).any_stderr()
    };
    let probe =
        Tool::new("unshare").args(["--mount", "sh", "-c", script]).arg(&config).arg("true").any_stderr().finish();
    if !probe.status.success() {
        return skipped("no mount namespace of its own");
    }
    for (arguments, status, reason) in [
        (["--timeout=500ms", "http://hanging.example/"], 124, "no answer from DNS yet"),
        (["--timeout=500ms", "hanging.example:80"], 124, "no answer from DNS yet"),
    ] {
        let output = asked(&arguments).status(status).run();
        assert!(output.stderr.trim_end().ends_with(reason), "{}", output.stderr);
        assert!(output.took < Duration::from_secs(5), "{:?}", output.took);
    }
    let output = asked(&["--once", "--attempt-timeout=200ms", "hanging.example:80"]).status(1).run();
    assert!(output.stderr.ends_with(": no answer from DNS within 200 ms\n"), "{}", output.stderr);
}
