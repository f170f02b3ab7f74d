//! Fixture processes: `tests/fixture/main.rs` run in its many forms, ended with all its descendants when dropped.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::{NOBODY, built};

/// A running fixture that has said it is ready.
pub struct Fixture {
    child: Child,
    /// Where its other name, or its copy, is.
    folder: Option<tempfile::TempDir>,
    /// What it said when it was ready, word by word.
    pub said: Vec<String>,
}

/// Returns the path of the fixture program, which is built on demand when a single crate's tests run alone.
pub fn fixture_path() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT
        .get_or_init(|| {
            let path = built::folder().join("examples/fixture");
            if !is_built(&path) {
                built::build(&["--package", "proc-tree", "--example", "fixture"]);
                assert!(is_built(&path), "the fixture was built, and is older than its source");
            }
            path
        })
        .clone()
}

/// Tells whether the program is there and younger than its source: a single crate's tests do not build it.
fn is_built(path: &Path) -> bool {
    let changed = |path: &Path| path.metadata().and_then(|found| found.modified()).ok();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixture");
    let newest = fs::read_dir(source).into_iter().flatten().flatten().filter_map(|file| changed(&file.path())).max();
    changed(path).is_some_and(|built| newest.is_none_or(|newest| built >= newest))
}

impl Fixture {
    /// Starts a fixture and waits until it says `ready …`.
    pub fn start<A: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = A>) -> Self {
        let mut command = Command::new(fixture_path());
        command.args(arguments);
        Self::spawn(command)
    }

    /// Starts a fixture under another program's name.
    pub fn named<A: AsRef<std::ffi::OsStr>>(name: &str, arguments: impl IntoIterator<Item = A>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let program = folder.path().join(name);
        std::os::unix::fs::symlink(fixture_path(), &program).expect("the folder is ours");
        let mut command = Command::new(program);
        command.args(arguments);
        let mut fixture = Self::spawn(command);
        fixture.folder = Some(folder);
        fixture
    }

    /// Starts a fixture as a user that owns nothing, from a copy that this user can reach. Needs root.
    pub fn of_nobody<A: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = A>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("the folder is ours");
        let program = folder.path().join("fixture");
        // not by this process: what it has open for writing, its other threads' children would have open too (ETXTBSY)
        let copied = Command::new("cp").args([&fixture_path(), &program]).status().expect("cp runs");
        assert!(copied.success());
        let mut command = Command::new(&program);
        command.args(arguments).uid(NOBODY).gid(NOBODY);
        let mut fixture = Self::spawn(command);
        fixture.folder = Some(folder);
        fixture
    }

    /// Starts any program that says `ready …` on its stdout.
    pub fn spawn(mut command: Command) -> Self {
        super::children_have_default_signals();
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let lines = BufReader::new(child.stdout.take().expect("stdout is a pipe")).lines();
        let mut fixture = Self { child, folder: None, said: Vec::new() };
        let ready = lines.map_while(Result::ok).find(|line| line.starts_with("ready"));
        let Some(ready) = ready else { panic!("{command:?} ended before it was ready: {:?}", fixture.child.wait()) };
        fixture.said = ready.split_whitespace().skip(1).map(str::to_owned).collect();
        fixture
    }

    /// Returns the fixture's PID.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns the first address that it said it listens on.
    pub fn address(&self) -> SocketAddr {
        self.said.iter().find_map(|word| word.parse().ok()).expect("a server says its address")
    }

    /// Returns the port of that address.
    pub fn port(&self) -> u16 {
        self.address().port()
    }

    /// Returns the PIDs that it said it has, its own among them.
    pub fn pids(&self) -> Vec<u32> {
        let mut pids = self.said_pids();
        pids.push(self.pid());
        pids.sort_unstable();
        pids.dedup();
        pids
    }

    /// Returns the PIDs that it said it has, in the order in which it said so.
    pub fn said_pids(&self) -> Vec<u32> {
        self.said.iter().filter_map(|word| word.strip_prefix("pid=")?.parse().ok()).collect()
    }

    /// Waits until the fixture itself has ended, and reaps it.
    pub fn wait(&mut self) -> std::process::ExitStatus {
        self.child.wait().expect("a child can be waited for")
    }

    /// Hands out the child.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        let members = proc_tree::tree::members(self.pid()).unwrap_or_default();
        let _ = self.child.kill();
        let said = self.pids().into_iter().filter(|&pid| pid != self.pid() && is_fixture(pid));
        for pid in members.iter().skip(1).map(|member| member.pid).chain(said) {
            let _ = kill(Pid::from_raw(i32::try_from(pid).unwrap_or(i32::MAX)), Signal::SIGKILL);
        }
        let _ = self.child.wait();
    }
}

/// A PID that was said long ago may belong to somebody else by now.
fn is_fixture(pid: u32) -> bool {
    proc_tree::process::command(pid).is_ok_and(|words| {
        words.is_some_and(|words| words.first().is_some_and(|word| word.ends_with("examples/fixture")))
    })
}
