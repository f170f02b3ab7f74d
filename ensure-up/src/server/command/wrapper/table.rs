//! The programs that run another one, and their options.

/// How a program names another one that it runs.
#[derive(Debug)]
pub(super) struct Wrapper {
    /// Its own words.
    pub(super) words: &'static [&'static str],
    /// Options that stand alone.
    pub(super) flags: &'static [&'static str],
    /// Options that have a value: the next word, or what follows in the same one.
    pub(super) valued: &'static [&'static str],
    /// How many words stand in front of the program.
    pub(super) before: usize,
    /// Whether variables may.
    pub(super) sets: bool,
    /// Whether a package of npm is named in place of its program.
    pub(super) runs_package: bool,
}

const PLAIN: Wrapper = Wrapper { words: &[], flags: &[], valued: &[], before: 0, sets: false, runs_package: false };
const NPX: Wrapper = Wrapper {
    flags: &[
        "-q",
        "-s",
        "-y",
        "--bun",
        "--no",
        "--no-install",
        "--offline",
        "--prefer-offline",
        "--quiet",
        "--silent",
        "--yes",
    ],
    valued: &["-p", "--package"],
    runs_package: true,
    ..PLAIN
};
const UV: Wrapper = Wrapper {
    flags: &[
        "-q",
        "--active",
        "--all-extras",
        "--all-groups",
        "--frozen",
        "--isolated",
        "--locked",
        "--no-dev",
        "--no-env-file",
        "--no-project",
        "--no-sync",
        "--offline",
        "--quiet",
    ],
    valued: &[
        "-p",
        "--extra",
        "--from",
        "--group",
        "--package",
        "--python",
        "--with",
        "--with-editable",
        "--with-requirements",
    ],
    ..PLAIN
};

/// Options that are not listed may change more than is known here: then nothing is taken off.
pub(super) const WRAPPERS: &[Wrapper] = &[
    Wrapper {
        words: &["env"],
        flags: &["-", "-i", "--ignore-environment"],
        valued: &["-u", "--unset"],
        sets: true,
        ..PLAIN
    },
    Wrapper { words: &["cross-env"], sets: true, ..PLAIN },
    Wrapper { words: &["nohup"], ..PLAIN },
    Wrapper { words: &["nice"], valued: &["-n", "--adjustment"], ..PLAIN },
    Wrapper { words: &["ionice"], flags: &["-t"], valued: &["-c", "-n", "--class", "--classdata"], ..PLAIN },
    Wrapper { words: &["taskset"], flags: &["-c", "--cpu-list"], before: 1, ..PLAIN },
    Wrapper {
        words: &["timeout"],
        flags: &["-f", "-p", "-v", "--foreground", "--preserve-status", "--verbose"],
        valued: &["-k", "-s", "--kill-after", "--signal"],
        before: 1,
        ..PLAIN
    },
    Wrapper { words: &["setsid"], flags: &["-c", "-f", "-w", "--ctty", "--fork", "--wait"], ..PLAIN },
    Wrapper { words: &["stdbuf"], valued: &["-e", "-i", "-o", "--error", "--input", "--output"], ..PLAIN },
    Wrapper { words: &["time"], flags: &["-p", "-v"], ..PLAIN },
    Wrapper { words: &["dumb-init"], flags: &["-c", "-v", "--single-child", "--verbose"], ..PLAIN },
    Wrapper { words: &["tini"], flags: &["-g", "-s", "-v"], ..PLAIN },
    Wrapper {
        words: &["sudo"],
        flags: &["-E", "-H", "-b", "-n", "--background", "--non-interactive", "--preserve-env", "--set-home"],
        valued: &["-g", "-u", "--group", "--user"],
        sets: true,
        ..PLAIN
    },
    Wrapper {
        words: &["setpriv"],
        flags: &["--clear-groups", "--init-groups", "--keep-groups", "--no-new-privs"],
        valued: &["--egid", "--euid", "--groups", "--regid", "--reuid", "--rgid", "--ruid"],
        ..PLAIN
    },
    Wrapper { words: &["uv", "run"], ..UV },
    Wrapper { words: &["uvx"], ..UV },
    Wrapper { words: &["uv", "tool", "run"], ..UV },
    Wrapper { words: &["bundle", "exec"], ..PLAIN },
    Wrapper { words: &["pdm", "run"], ..PLAIN },
    Wrapper { words: &["pipenv", "run"], ..PLAIN },
    Wrapper { words: &["poetry", "run"], ..PLAIN },
    Wrapper { words: &["npx"], ..NPX },
    Wrapper { words: &["bunx"], ..NPX },
    Wrapper { words: &["npm", "exec"], ..NPX },
    Wrapper { words: &["npm", "x"], ..NPX },
    Wrapper { words: &["pnpm", "exec"], ..NPX },
    Wrapper { words: &["yarn", "exec"], ..NPX },
    Wrapper { words: &["node", "--watch"], ..PLAIN },
    Wrapper {
        words: &["nodemon"],
        flags: &["-I", "-L", "-V", "-q", "--legacy-watch", "--no-colors", "--no-stdin", "--quiet", "--verbose"],
        valued: &["-d", "-e", "-i", "-s", "-w", "--delay", "--ext", "--ignore", "--signal", "--watch"],
        ..PLAIN
    },
];
