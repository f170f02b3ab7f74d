//! Machines that are different: another PID namespace's /proc, one that hides processes, a kernel without pidfds, PIDs that
//! are used again.

use std::{
    os::unix::fs::{PermissionsExt, chown},
    path::Path,
    process::{Command, Stdio},
};

use nix::libc;

use super::support::{
    self, Fixture, NOBODY, Tool, children_have_default_signals,
    filter::{About, refuse, without_pidfds},
    fixture_path, free_port, installed, project, runs, skipped, unshare,
};
use super::{TOOLS, binaries, script, shell, stdout};

/// A call of each tool that looks at processes or ports.
const CALLS: [(&str, &[&str]); 5] = [
    ("port-who", &[]),
    ("port-kill", &["--tree", "1"]),
    ("proc-tree", &["1"]),
    ("health-wait", &["--once", ":1"]),
    ("ensure-up", &["--status"]),
];

#[test]
fn a_proc_of_another_pid_namespace_is_refused_by_all_five() {
    let Some(unshare) = unshare(&["--pid", "--fork"]) else { return };
    for (tool, arguments) in CALLS {
        let expected = format!(
            "{tool}: /proc belongs to another PID namespace than this process: every PID in it would mean somebody else\n\
             hint: mount its own: unshare --pid --fork --mount-proc, or mount -t proc proc /proc\n"
        );
        Tool::new(&unshare.to_string_lossy())
            .args(["--pid", "--fork"])
            .arg(binaries().join(tool))
            .args(arguments)
            .status(125)
            .stderr(expected)
            .run();
    }
    // what reads no process is not refused
    let help = Tool::new(&unshare.to_string_lossy()).args(["--pid", "--fork"]).arg(binaries().join("port-who"));
    help.arg("--version").any_stdout().run();
}

#[test]
fn without_pidfds_all_five_work_and_signal_nobody_else() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let server = Fixture::start(["serve", "127.0.0.1:0"]);
    let family = Fixture::start(["family", "127.0.0.1:0"]);
    let (port, other, own) = (server.port(), family.port(), free_port());
    let fixture = fixture_path();
    let text = format!(
        "record=$(port-who --json {port})
         sleep 0.3 & status=0
         health-wait --timeout 20s --pid $! :1 2>said || status=$?
         test $status = 3
         port-kill --json - <<END | grep -q '\"outcome\":\"terminated\"'
$record
END
         port-kill --tree {other} >said
         ensure-up --port {own} -- {fixture} serve 127.0.0.1:{own} 2>said >said
         ensure-up --port {own} -- {fixture} serve 127.0.0.1:{own} 2>&1 | grep -q reused
         ensure-up --stop {own} 2>said >said
         port-kill --require {own} 2>said && exit 1
         proc-tree -- true 2>said",
        fixture = fixture.display()
    );
    let mut shell = shell(&text, folder.path());
    without_pidfds(&mut shell);
    let output = shell.output().expect("a shell runs");
    let said = std::fs::read_to_string(folder.path().join("said")).unwrap_or_default();
    assert!(output.status.success(), "{output:?} {said}");
    assert!(!runs(server.pid()) && family.pids().into_iter().all(|pid| !runs(pid)));
}

#[test]
fn whatever_a_filter_answers_where_it_refuses_pidfds_the_tools_do_without() {
    let calls: [&'static [libc::c_long]; 3] =
        [&[libc::SYS_pidfd_open, libc::SYS_pidfd_send_signal], &[libc::SYS_pidfd_open], &[libc::SYS_pidfd_send_signal]];
    for errno in [libc::EPERM, libc::EACCES, libc::EINVAL, libc::EOPNOTSUPP, libc::ENODEV] {
        for calls in calls {
            let folder = tempfile::tempdir().expect("a folder can be made");
            let family = Fixture::start(["family", "127.0.0.1:0"]);
            let text = format!("proc-tree --json $$ >said; port-kill --tree {} >said", family.port());
            let mut shell = shell(&text, folder.path());
            refuse(&mut shell, calls, About::All, errno);
            let output = shell.output().expect("a shell runs");
            assert!(output.status.success(), "{errno} {calls:?} {output:?}");
            assert!(family.pids().into_iter().all(|pid| !runs(pid)), "{errno} {calls:?}");
        }
    }
}

/// Runs a script as another user where /proc is mounted with this `hidepid`; `None` where that cannot be set up.
fn hidden(level: u8, text: &str, folder: &Path) -> Option<std::process::Output> {
    Some(hiding(level, text, folder)?.output().expect("a shell runs"))
}

/// Prepares that.
fn hiding(level: u8, text: &str, folder: &Path) -> Option<Command> {
    let (unshare, setpriv) = (unshare(&["--mount"])?, installed("setpriv")?);
    let tools = folder.join("tools");
    std::fs::create_dir_all(&tools).expect("the folder is ours");
    for file in TOOLS.iter().map(|tool| binaries().join(tool)).chain([fixture_path()]) {
        let copy = tools.join(file.file_name().expect("a binary has a name"));
        std::fs::copy(&file, &copy).expect("a binary can be copied");
    }
    for path in [folder, tools.as_path()] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("the folder is ours");
        chown(path, Some(NOBODY), Some(NOBODY)).expect("root may give it away");
    }
    std::fs::write(folder.join("script"), text).expect("the folder is ours");
    let enter = format!(
        "mount -t proc -o hidepid={level} proc /proc && \
         exec {} --reuid {NOBODY} --regid {NOBODY} --clear-groups sh -euf {}",
        setpriv.display(),
        folder.join("script").display()
    );
    children_have_default_signals();
    let mut shell = Command::new(unshare);
    shell.args(["--mount", "sh", "-c", &enter]).current_dir(folder).stdin(Stdio::null());
    shell.env("PATH", format!("{}:{}", tools.display(), std::env::var("PATH").unwrap_or_default()));
    shell.env("HOME", folder).env("ENSURE_UP_DIR", folder.join("state"));
    Some(shell)
}

#[test]
fn where_proc_hides_the_others_a_user_frees_the_own_ports_and_uses_all_five() {
    for level in [1, 2] {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let (port, own) = (free_port(), free_port());
        let text = format!(
            "fixture serve 127.0.0.1:{port} >ready 2>&1 & server=$!
             health-wait -q --timeout 20s --pid $server :{port}
             test \"$(port-who {port})\" = $server
             proc-tree --json $server | grep -q '\"processes\":1'
             port-who --why --table {port} >why
             port-kill {port} >freed
             grep -q '^freed {port}: 1 process' freed
             ensure-up --port {own} -- fixture serve 127.0.0.1:{own} >started 2>&1
             ensure-up --port {own} -- fixture serve 127.0.0.1:{own} 2>&1 | grep -q reused
             ensure-up --status --json | grep -q '\"healthy\":true'
             ensure-up --stop {own} >stopped 2>&1
             port-kill --require {own} 2>nobody && exit 1 || true"
        );
        let Some(output) = hidden(level, &text, folder.path()) else { return };
        assert!(output.status.success(), "hidepid={level}: {output:?}");
    }
}

#[test]
fn a_process_that_proc_hides_has_not_ended() {
    for level in [1, 2] {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let server = Fixture::start(["serve", "127.0.0.1:0"]);
        let record = stdout(&script(&format!("port-who --json {}", server.port()), folder.path()));
        std::fs::write(folder.path().join("record"), record).expect("the folder is ours");
        let text = format!(
            "status=0; port-kill --json - <record >said 2>&1 || status=$?; test $status = 1; grep -q '\"outcome\":\"denied\"' said
             status=0; proc-tree {pid} 2>said || status=$?; test $status = 125
             grep -q '^proc-tree: cannot look at process {pid}: ' said
             echo '{{\"pid\":{pid},\"port\":{free}}}' | port-kill --json - >said
             grep -q '\"outcome\":\"gone\".*it does not hold port {free}' said
             status=0; echo {pid} | port-kill --json - >said 2>&1 || status=$?; test $status = 1; grep -q '\"outcome\":\"denied\"' said
             status=0; health-wait -q --timeout 50ms --pid {pid} :1 2>said || status=$?; test $status != 3; test $status != 0
             status=0; health-wait -q --timeout 50ms --down pid:{pid} 2>said || status=$?; test $status != 0",
            pid = server.pid(),
            free = free_port()
        );
        let Some(output) = hidden(level, &text, folder.path()) else { return };
        let said = std::fs::read_to_string(folder.path().join("said")).unwrap_or_default();
        assert!(output.status.success(), "hidepid={level}: {output:?} {said}");
        assert!(runs(server.pid()));
    }
}

#[test]
fn one_that_proc_hides_keeps_the_port_of_its_record_in_question_also_without_pidfds() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let server = Fixture::start(["serve", "127.0.0.1:0"]);
    let (port, pid) = (server.port(), server.pid());
    let text = format!("echo '{{\"pid\":{pid},\"port\":{port}}}' | port-kill --json - 2>said");
    let Some(mut shell) = hiding(2, &text, folder.path()) else { return };
    without_pidfds(&mut shell);
    let output = shell.output().expect("a shell runs");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = support::schema::checked("port-kill", &String::from_utf8_lossy(&output.stdout));
    let reason = "it cannot be seen whether it runs: /proc hides it from you (hidepid)";
    assert_eq!((&said[0]["outcome"], &said[0]["reason"]), (&"denied".into(), &reason.into()), "{said:?}");
    // its socket is at stake: nobody else is known to hold it
    assert_eq!((&said[1]["free"], &said[1]["held_by"][0]["user"]), (&false.into(), &"root".into()), "{said:?}");
    assert!(runs(pid));
}

#[test]
fn where_there_is_no_proc_nobody_is_said_to_be_hidden() {
    let Some(unshare) = unshare(&["--mount"]) else { return };
    let folder = tempfile::tempdir().expect("a folder can be made");
    let server = Fixture::start(["serve", "127.0.0.1:0"]);
    for (command, status) in [
        (format!("port-kill {}", server.port()), 125),
        (format!("port-who {}", server.port()), 125),
        (format!("proc-tree {}", server.pid()), 125),
    ] {
        let text = format!("exec {} --mount sh -c 'mount -t tmpfs none /proc; exec {command}'", unshare.display());
        let output = script(&text, folder.path());
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{command}: {said}");
        assert!(said.ends_with(": /proc shows no processes\n"), "{command}: {said}");
    }
    assert!(runs(server.pid()));
}

#[test]
fn a_pid_that_is_used_again_is_another_process_to_every_tool() {
    let script = project().join("tests/faults/pid-reuse");
    let Some(bash) = installed("bash") else { return };
    fixture_path();
    let output = Command::new(bash).arg(script).arg("21").arg(binaries()).output().expect("bash runs");
    let said = String::from_utf8_lossy(&output.stdout);
    if said.starts_with("skipped: ") {
        return skipped(said.trim());
    }
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn in_a_folder_that_was_removed_servers_are_listed_and_stopped() {
    let folder = tempfile::tempdir().expect("a folder");
    let gone =
        "mkdir gone; cd gone; rmdir ../gone; ensure-up --status; ensure-up --stop; ensure-up --status --everywhere";
    let output = script(gone, folder.path());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(said, "no server is known of\nno server of this folder runs\nno server is known of\n");
}
