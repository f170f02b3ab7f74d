//! One run of a tool, checked like a transcript: success and silence unless the test says otherwise.

use std::{
    ffi::{OsStr, OsString},
    fs,
    io::{Read, Write},
    os::unix::{
        fs::PermissionsExt,
        process::{CommandExt, ExitStatusExt},
    },
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{PATIENCE, schema};

/// A run to be.
pub struct Tool {
    command: Command,
    stdin: Option<Vec<u8>>,
    status: i32,
    stdout: Option<String>,
    stderr: Option<String>,
    copy: Option<tempfile::TempDir>,
}

/// What a run did.
#[derive(Debug)]
pub struct Output {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
    /// The lines of stderr that tell of a wait, which whatever takes a second on a busy machine has.
    pub waits: String,
    pub took: Duration,
}

impl Tool {
    /// Prepares a run of this binary that is expected to succeed in silence.
    pub fn new(binary: &str) -> Self {
        super::children_have_default_signals();
        let mut command = Command::new(binary);
        // the tests' own surroundings must not change what is printed
        for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "FORCE_COLOR", "COLUMNS"] {
            command.env_remove(name);
        }
        command.env("TERM", "xterm-256color").stdin(Stdio::null());
        Self { command, stdin: None, status: 0, stdout: Some(String::new()), stderr: Some(String::new()), copy: None }
    }

    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.command.args(arguments);
        self
    }

    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub fn env_remove(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    pub fn cwd(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    pub fn stdin(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(text.into());
        self
    }

    /// Runs as another user, from a copy of the binary that this user can reach. Needs root.
    pub fn user(mut self, uid: u32) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("the folder is ours");
        let program = PathBuf::from(self.command.get_program());
        let copy = folder.path().join(program.file_name().expect("a binary has a name"));
        fs::copy(&program, &copy).expect("the binary can be copied");
        let mut command = Command::new(&copy);
        command.args(self.command.get_args()).uid(uid).gid(uid).current_dir("/").stdin(Stdio::null());
        for (name, value) in self.command.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        self.command = command;
        self.copy = Some(folder);
        self
    }

    /// Expects this exit status.
    pub fn status(mut self, status: i32) -> Self {
        self.status = status;
        self
    }

    /// Expects exactly this on stdout.
    pub fn stdout(mut self, text: impl Into<String>) -> Self {
        self.stdout = Some(text.into());
        self
    }

    /// Expects exactly this on stderr.
    pub fn stderr(mut self, text: impl Into<String>) -> Self {
        self.stderr = Some(text.into());
        self
    }

    /// Leaves stdout to the test.
    pub fn any_stdout(mut self) -> Self {
        self.stdout = None;
        self
    }

    /// Leaves stderr to the test.
    pub fn any_stderr(mut self) -> Self {
        self.stderr = None;
        self
    }

    /// Runs to the end and checks what was expected.
    pub fn run(mut self) -> Output {
        let output = self.finish();
        let line: Vec<_> = std::iter::once(self.command.get_program())
            .chain(self.command.get_args())
            .map(OsStr::to_string_lossy)
            .collect();
        let transcript = format!(
            "$ {}\n{}--- stderr\n{}{}--- {}",
            line.join(" "),
            output.stdout,
            output.waits,
            output.stderr,
            output.status
        );
        assert_eq!(output.status.code(), Some(self.status), "the status of\n{transcript}");
        if let Some(expected) = &self.stdout {
            assert_eq!(&output.stdout, expected, "stdout of\n{transcript}");
        }
        if let Some(expected) = &self.stderr {
            assert_eq!(&output.stderr, expected, "stderr of\n{transcript}");
        }
        output
    }

    /// Runs to the end and checks nothing.
    pub fn finish(&mut self) -> Output {
        let started = Instant::now();
        let mut child = self.spawn();
        let stdout = read_all(child.stdout.take().expect("stdout is a pipe"));
        let stderr = read_all(child.stderr.take().expect("stderr is a pipe"));
        let status = wait(&mut child, &self.command);
        let took = started.elapsed();
        let text = |reader: thread::JoinHandle<Vec<u8>>| {
            String::from_utf8_lossy(&reader.join().expect("a reader does not panic")).into_owned()
        };
        let (stdout, said) = (text(stdout), text(stderr));
        let (waits, stderr) = said.split_inclusive('\n').partition(|line| tells_of_a_wait(line));
        let output = Output { status, stdout, stderr, waits, took };
        if self.command.get_args().any(|argument| argument == "--json") {
            let program = Path::new(self.command.get_program()).file_name().unwrap_or_default();
            schema::check_run(&program.to_string_lossy(), &output.stdout);
        }
        output
    }

    /// Starts without waiting; stdout and stderr are pipes.
    pub fn spawn(&mut self) -> Child {
        if self.stdin.is_some() {
            self.command.stdin(Stdio::piped());
        }
        self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = loop {
            match self.command.spawn() {
                // a process that another test just forked still has the copied binary open for writing
                Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy && self.copy.is_some() => {}
                spawned => break spawned.unwrap_or_else(|error| panic!("{:?}: {error}", self.command)),
            }
        };
        if let Some(text) = self.stdin.take() {
            let mut stdin = child.stdin.take().expect("stdin is a pipe");
            // a tool that refuses its arguments does not read
            thread::spawn(move || drop(stdin.write_all(&text)));
        }
        child
    }

    /// Hands out the command, for what this builder does not know.
    pub fn command(&mut self) -> &mut Command {
        &mut self.command
    }
}

impl Output {
    /// Returns the signal that ended the tool.
    pub fn signal(&self) -> Option<i32> {
        self.status.signal()
    }

    /// Parses stdout as JSON Lines.
    pub fn records(&self) -> Vec<serde_json::Value> {
        super::records(&self.stdout)
    }
}

/// Tells whether this is a line of ensure-up about what it waits for: what, how long, why.
pub fn tells_of_a_wait(line: &str) -> bool {
    const DOINGS: [&str; 5] = ["starting ", "restarting ", "joining ", "waiting for ", "stopping "];
    let is_time =
        |part: &str| part.starts_with(|first: char| first.is_ascii_digit()) && part.trim_end().ends_with(" s");
    DOINGS.iter().any(|doing| line.starts_with(doing)) && line.split("  ").nth(1).is_some_and(is_time)
}

fn read_all(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        bytes
    })
}

fn wait(child: &mut Child, command: &Command) -> ExitStatus {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            return status;
        }
        if begun.elapsed() > PATIENCE * 3 {
            let _ = child.kill();
            panic!("{command:?} did not end");
        }
        // a hundred that look each millisecond keep a core from those that they wait for
        thread::sleep((begun.elapsed() / 20).clamp(Duration::from_millis(1), Duration::from_millis(20)));
    }
}

/// Joins arguments that are not UTF-8.
pub fn raw(bytes: &[u8]) -> OsString {
    use std::os::unix::ffi::OsStringExt;
    OsString::from_vec(bytes.to_vec())
}
