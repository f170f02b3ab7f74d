//! Programs that are known for what they do to the processes below them.

use std::path::Path;

use proc_tree::Facts;

/// What a program is to the processes below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Starts its child again when that ends: stopping the child alone is in vain.
    Supervisor,
    /// Listens on behalf of a container: stopping it leaves the container running without its port.
    Forwarder,
    /// Keeps terminals: tmux(1), screen(1).
    Multiplexer,
    /// Runs what a person or a script types.
    Shell,
    /// Runs jobs by the clock.
    Cron,
    /// Serves logins over the network.
    Ssh,
    /// Runs a container, whose first process is its child.
    Runtime,
    /// Runs one program, its eldest child, and takes over whatever that leaves behind.
    Init,
    /// Takes over processes whose parent ended, as init does (`PR_SET_CHILD_SUBREAPER` in prctl(2)).
    Reaper,
}

/// A program that was recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Program {
    /// What it is known as, whatever its process is called.
    pub name: &'static str,
    /// What it does.
    pub role: Role,
}

const KNOWN: &[(Role, &[&str])] = &[
    (
        Role::Supervisor,
        &[
            "ensure-up",
            "nodemon",
            "pm2",
            "forever",
            "supervisord",
            "circusd",
            "cargo-watch",
            "watchexec",
            "entr",
            "runsv",
            "s6-supervise",
            "supervise",
            "monit",
            "foreman",
            "honcho",
            "overmind",
            "hivemind",
            "process-compose",
            "air",
            "reflex",
            "modd",
            "watchfiles",
            "watchmedo",
            "node-dev",
            "ts-node-dev",
        ],
    ),
    (
        Role::Forwarder,
        &[
            "docker-proxy",
            "rootlessport",
            "rootlessport-child",
            "rootlesskit-docker-proxy",
            "slirp4netns",
            "pasta",
            "pasta.avx2",
            "passt",
            "passt.avx2",
        ],
    ),
    (Role::Multiplexer, &["tmux", "screen", "zellij"]),
    (
        Role::Shell,
        &[
            "sh", "bash", "dash", "ash", "zsh", "fish", "ksh", "mksh", "csh", "tcsh", "nu", "elvish", "xonsh", "pwsh",
            "busybox",
        ],
    ),
    (Role::Cron, &["cron", "crond", "anacron", "atd", "fcron"]),
    (Role::Ssh, &["sshd", "sshd-session", "dropbear"]),
    (Role::Runtime, &["containerd-shim", "containerd-shim-runc-v2", "conmon"]),
    (Role::Init, &["tini", "dumb-init", "docker-init", "catatonit"]),
    (Role::Reaper, &["systemd", "init", "launchd", "upstart", "s6-svscan"]),
];

/// Those that start their child again only where one of their arguments says so: the name, the program or script, the
/// arguments. All are a [`Role::Supervisor`].
const RELOADERS: &[(&str, &str, &[&str])] = &[
    ("node --watch", "node", &["--watch", "--watch-path"]),
    ("tsx watch", "tsx", &["watch"]),
    ("next dev", "next", &["dev"]),
    ("uvicorn --reload", "uvicorn", &["--reload"]),
    ("hypercorn --reload", "hypercorn", &["--reload"]),
    ("fastapi dev", "fastapi", &["dev"]),
    ("flask run", "flask", &["run"]),
    ("runserver", "manage", &["runserver", "runserver_plus"]),
    ("runserver", "django-admin", &["runserver", "runserver_plus"]),
    ("runserver", "django", &["runserver"]),
    ("nest start --watch", "nest", &["--watch", "-w"]),
];

/// What a program is called when a script for it is a program of its own.
const INTERPRETERS: &[&str] = &["node", "bun", "deno", "python", "ruby", "perl", "sh", "bash"];

/// Recognises what a process runs, where that is known for what it does to others.
pub fn program(process: &Facts) -> Option<Program> {
    Program::recognise(&process.name, process.command.as_deref().unwrap_or_default())
}

impl Program {
    /// Recognises a program by its process's name and its command line: `node /usr/bin/nodemon app.js` is nodemon,
    /// `PM2 v5.3.0: God Daemon` is pm2, `tmux: server` is tmux.
    pub(crate) fn recognise(process_name: &str, command: &[String]) -> Option<Self> {
        let first = command.first().map(|word| file_name(word));
        let name = script(command);
        let reloader = [first, name].into_iter().flatten().find_map(|name| reloader(name, &command[1..]));
        let script = name.and_then(find).filter(|program| program.role == Role::Supervisor);
        reloader.or(script).or_else(|| first.and_then(find)).or_else(|| find(process_name))
    }
}

/// Finds a program that starts its child again because it was told to, by its name and its arguments.
fn reloader(name: &str, arguments: &[String]) -> Option<Program> {
    let has_word = |words: &[&str]| {
        let flag = |argument: &String| argument.split('=').next().is_some_and(|flag| words.contains(&flag));
        arguments.iter().any(flag)
    };
    let known = RELOADERS.iter().find(|(_, known, words)| *known == name && has_word(words));
    known.map(|&(name, ..)| Program { name, role: Role::Supervisor })
}

/// Titles that a program gives itself start with its name: `sshd: dev@pts/0`; a login shell's starts with `-`.
fn find(title: &str) -> Option<Program> {
    let name = title.split([' ', ':']).next()?.trim_start_matches('-').to_ascii_lowercase();
    KNOWN.iter().find_map(|&(role, names)| {
        let name = names.iter().find(|known| **known == name)?;
        Some(Program { name, role })
    })
}

/// The name of the script that an interpreter runs: `python3 -m supervisor.supervisord` and
/// `node --inspect /usr/lib/nodemon.js` run supervisord and nodemon.
fn script(command: &[String]) -> Option<&str> {
    let (interpreter, rest) = command.split_first()?;
    let interpreter = file_name(interpreter).trim_end_matches(|last: char| last.is_ascii_digit() || last == '.');
    let script = rest.iter().find(|word| !word.starts_with('-')).filter(|_| INTERPRETERS.contains(&interpreter))?;
    let name = file_name(script);
    let module = rest.first().is_some_and(|flag| flag == "-m").then(|| name.rsplit('.').next()).flatten();
    Some(module.unwrap_or_else(|| name.split('.').next().unwrap_or(name)))
}

fn file_name(path: &str) -> &str {
    Path::new(path).file_name().and_then(|name| name.to_str()).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recognised(name: &str, command: &str) -> Option<&'static str> {
        let command: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
        Program::recognise(name, &command).map(|program| program.name)
    }

    #[test]
    fn supervisors_are_recognised_however_they_were_started() {
        assert_eq!(recognised("node", "/usr/bin/node /usr/local/bin/nodemon app.js"), Some("nodemon"));
        assert_eq!(
            recognised("node", "node --inspect /lib/node_modules/nodemon/bin/nodemon.js app.js"),
            Some("nodemon")
        );
        assert_eq!(recognised("PM2 v5.3.0: God", "PM2 v5.3.0: God Daemon (/root/.pm2)"), Some("pm2"));
        assert_eq!(recognised("supervisord", "/usr/bin/python3 /usr/bin/supervisord -n"), Some("supervisord"));
        assert_eq!(recognised("python3.11", "python3.11 -m supervisor.supervisord"), Some("supervisord"));
        assert_eq!(recognised("cargo-watch", "/home/dev/.cargo/bin/cargo-watch watch -x run"), Some("cargo-watch"));
        assert_eq!(recognised("ensure-up", "ensure-up --port 8000 --keep-up -- node app.js"), Some("ensure-up"));
    }

    #[test]
    fn what_starts_its_child_again_by_an_argument_is_recognised_with_that_argument_alone() {
        for (name, command, expected) in [
            ("node", "node --watch app.js", Some("node --watch")),
            ("node", "/usr/bin/node --watch-path=./src app.js", Some("node --watch")),
            ("node", "node app.js", None),
            ("node", "node /app/node_modules/.bin/tsx watch src/index.ts", Some("tsx watch")),
            ("node", "node /app/node_modules/.bin/tsx src/index.ts", None),
            ("node", "node /app/node_modules/.bin/next dev -p 3000", Some("next dev")),
            ("node", "node /app/node_modules/.bin/next start", None),
            ("uvicorn", "/venv/bin/python3 /venv/bin/uvicorn app:app --reload", Some("uvicorn --reload")),
            ("python3", "python3 -m uvicorn app:app --reload", Some("uvicorn --reload")),
            ("python3", "python3 -m uvicorn app:app", None),
            ("python3", "python3 manage.py runserver 8000", Some("runserver")),
            ("python3", "python3 manage.py migrate", None),
            ("python3", "python3 -m django runserver", Some("runserver")),
            ("python3.12", "/usr/bin/python3.12 -m flask --app x run --debug", Some("flask run")),
            ("ruby", "ruby /usr/bin/foreman start", Some("foreman")),
            ("python3", "/usr/bin/python3 /usr/bin/honcho start", Some("honcho")),
            ("watchexec", "watchexec -r -- python3 app.py", Some("watchexec")),
            ("pasta.avx2", "/usr/bin/pasta.avx2 --config-net -t 8000-8000:80-80", Some("pasta.avx2")),
        ] {
            assert_eq!(recognised(name, command), expected, "{command}");
        }
    }

    #[test]
    fn titles_and_login_shells_are_recognised_and_servers_are_not() {
        assert_eq!(recognised("tmux: server", "tmux new -s work"), Some("tmux"));
        assert_eq!(recognised("screen", "SCREEN -S work"), Some("screen"));
        assert_eq!(recognised("zsh", "-zsh"), Some("zsh"));
        assert_eq!(recognised("sshd", "sshd: dev@pts/0"), Some("sshd"));
        assert_eq!(
            recognised("docker-proxy", "/usr/bin/docker-proxy -proto tcp -host-port 8000"),
            Some("docker-proxy")
        );
        assert_eq!(recognised("node", "node screen.js"), None);
        assert_eq!(recognised("python3", "python3 -m http.server nodemon"), None);
    }
}
