//! Where /proc hides who is above port-kill: mounted with `hidepid`, to an ordinary user.

use std::{fs, path::Path, process::Command};

use nix::libc;

use super::{BINARY, Said};
use crate::support::{
    NOBODY, Tool,
    filter::{About, refuse, without_pidfds},
    fixture_path, free_port, installed, unshare,
};

/// What the kernel may be asked for beside /proc.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kernel {
    /// Whatever this one knows.
    Own,
    /// No parents: before Linux 6.13.
    WithoutParents,
    /// No pidfds: before Linux 5.3.
    WithoutPidfds,
}

const CERTAIN: &str = "it is an ancestor of this process";
const POSSIBLE: &str = "it may be an ancestor of this process: /proc hides who is above";

/// The ports of three servers of the user: above port-kill; with a hidden child that is not above it; with none.
struct Ports {
    above: u16,
    beside: u16,
    free: u16,
}

/// Runs port-kill as a user below so many processes of root in a row, and those below one of the user's own servers.
fn below_hidden(rows: usize, kernel: Kernel, ports: &Ports, folder: &Path) -> Said {
    let server = |port: u16| format!("exec $user ./fixture serve 127.0.0.1:{port} >ready-{port}");
    let free = format!(
        "status=0; $user ./port-kill --json {} {} {} >said || status=$?; echo $status >status",
        ports.above, ports.beside, ports.free
    );
    let wait = |port: u16| format!("until grep -q ready ready-{port}; do sleep 0.02; done");
    // each is a file, so that no shell is replaced by the last command of another
    let script =
        |name: &str, lines: &[String]| fs::write(folder.join(name), lines.join("\n")).expect("the folder is ours");
    script("hidden-1", &[wait(ports.above), wait(ports.beside), wait(ports.free), free]);
    for row in 2..=rows {
        script(&format!("hidden-{row}"), &[format!("sh -eu hidden-{}", row - 1), ":".into()]);
    }
    script("above", &[format!("sh -eu hidden-{rows} &"), server(ports.above)]);
    script("beside", &["sleep 30 &".into(), server(ports.beside)]);
    script("free", &[server(ports.free)]);
    let first = [
        "mount -t proc -o hidepid=2 proc /proc".into(),
        format!("export user='setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups'"),
        "for one in free beside above; do sh -eu $one & done".into(),
        "until [ -s status ]; do sleep 0.02; done".into(),
        "cat said; exit $(cat status)".into(),
    ];
    script("first", &first);
    let mut tool = Tool::new("unshare").args(["--pid", "--fork", "--mount", "sh", "-eu", "first"]).cwd(folder);
    match kernel {
        Kernel::Own => {}
        Kernel::WithoutParents => {
            let request = u32::try_from(libc::PIDFD_GET_INFO).expect("a request has 32 bits");
            refuse(tool.command(), &[libc::SYS_ioctl], About::Request(request), libc::ENOTTY);
        }
        Kernel::WithoutPidfds => without_pidfds(tool.command()),
    }
    Said::by(&tool.status(1).any_stdout().any_stderr().run())
}

#[test]
fn an_ancestor_above_hidden_ones_is_refused_and_the_users_own_ports_are_freed() {
    let (Some(_), Some(_)) = (unshare(&["--pid", "--fork", "--mount"]), installed("setpriv")) else { return };
    for (rows, kernel, above, beside) in [
        (1, Kernel::Own, CERTAIN, None),
        (1, Kernel::WithoutParents, CERTAIN, None),
        (1, Kernel::WithoutPidfds, CERTAIN, None),
        (2, Kernel::WithoutParents, POSSIBLE, Some(POSSIBLE)),
        (2, Kernel::WithoutPidfds, POSSIBLE, Some(POSSIBLE)),
        (2, Kernel::Own, CERTAIN, None),
    ] {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let path = folder.path();
        // not by this process: what it has open for writing, its other threads' children would have open too (ETXTBSY)
        let copied = Command::new("cp").args([fixture_path().as_path(), Path::new(BINARY), path]).status();
        let opened = Command::new("chmod").args(["0777".as_ref(), path]).status();
        assert!([copied, opened].into_iter().all(|done| done.is_ok_and(|status| status.success())));
        let ports = Ports { above: free_port(), beside: free_port(), free: free_port() };
        let said = below_hidden(rows, kernel, &ports, path);
        let reason = |port: u16| {
            let one = said.processes.iter().find(|one| one.port == Some(port)).expect("each port has a holder");
            (one.outcome.as_str(), one.reason.as_deref())
        };
        let tells_parents = rows == 1 || kernel != Kernel::Own || knows_parents();
        let (above, beside) = if tells_parents { (above, beside) } else { (POSSIBLE, Some(POSSIBLE)) };
        let case = format!("{rows} {kernel:?} {said:?}");
        assert_eq!(reason(ports.above), ("refused", Some(above)), "{case}");
        let beside = beside.map_or(("terminated", None), |reason| ("refused", Some(reason)));
        assert_eq!(reason(ports.beside), beside, "{case}");
        assert_eq!(reason(ports.free), ("terminated", None), "{case}");
    }
}

/// Tells whether this kernel tells the parents of hidden processes: Linux 6.13 and later.
fn knows_parents() -> bool {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").expect("it can be read");
    let mut numbers = release.split(['.', '-']).map_while(|number| number.parse::<u32>().ok());
    (numbers.next(), numbers.next()) >= (Some(6), Some(13))
}
