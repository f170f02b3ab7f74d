//! A user of whom the user database says that his home is in the site: what is below the real home is left alone.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown},
    path::PathBuf,
    process::Command,
};

use crate::{
    folders::new_user,
    site::Site,
    support::{Fixture, Tool, fixture_path, installed, skipped},
};

/// The user's name in the database.
const NAME: &str = "ensure-up-dev";

/// Mount namespaces in which everything is as it is, but for the user database and what a test mounts beside it.
pub(crate) struct Home {
    pub(crate) site: Site,
    pub(crate) uid: u32,
    namespaces: Fixture,
}

impl Home {
    /// Makes the user: an ordinary one where root runs the tests, else the one who runs them. `mounts` is done before.
    pub(crate) fn with(mounts: &str) -> Option<Self> {
        for program in ["unshare", "nsenter", "getent"] {
            installed(program)?;
        }
        let is_root = nix::unistd::geteuid().is_root();
        let new = if is_root { "-m" } else { "-rm" };
        if !Command::new("unshare").args([new, "true"]).output().is_ok_and(|output| output.status.success()) {
            skipped("namespaces may not be made here");
            return None;
        }
        let site = Site::new();
        let uid = if is_root { new_user() } else { 0 };
        for name in ["home", "other", "run", "tmp"] {
            fs::create_dir(site.path(name)).unwrap();
        }
        // by a process of its own: a child that another test forks meanwhile must not have them open for writing
        for program in [fixture_path(), env!("CARGO_BIN_EXE_ensure-up").into()] {
            assert!(Command::new("cp").arg(&program).arg(site.folder()).status().is_ok_and(|status| status.success()));
        }
        let users = fs::read_to_string("/etc/passwd").unwrap();
        let user = format!("{NAME}:x:{uid}:{uid}::{}:/bin/sh\n", site.word("home"));
        fs::write(site.path("passwd"), user + &users).unwrap();
        if is_root {
            fs::set_permissions(site.folder(), fs::Permissions::from_mode(0o755)).unwrap();
            for folder in [site.folder(), site.path("home"), site.path("run"), site.path("tmp")] {
                chown(folder, Some(uid), Some(uid)).unwrap();
            }
        }
        let script = format!("{{ {mounts}; }} && mount --bind passwd /etc/passwd && echo ready && exec sleep 300");
        let mut holder = Command::new("unshare");
        holder.args([new, "sh", "-c", &script]).current_dir(site.folder());
        let home = Self { site, uid, namespaces: Fixture::spawn(holder) };
        // a daemon that answers for the database knows nothing of the namespace
        let entry = home.inside().args(["getent", "passwd", &uid.to_string()]).any_stdout().run();
        if !entry.stdout.contains(NAME) {
            skipped("the user database is not /etc/passwd");
            return None;
        }
        Some(home)
    }

    fn inside(&self) -> Tool {
        let pid = self.namespaces.pid().to_string();
        let tool = Tool::new("nsenter").args(["-t", &pid, "-m", "--wd"]);
        if self.uid == 0 { tool.args(["-U", "--preserve-credentials"]) } else { tool }
    }

    /// Prepares a run of ensure-up with these variables and no other.
    pub(crate) fn run(&self, variables: &[String], arguments: &[&str]) -> Tool {
        let mut tool = self.inside();
        if self.uid != 0 {
            let id = self.uid.to_string();
            tool = tool.args(["-S", &id, "-G", &id]);
        }
        let path = std::env::var("PATH").unwrap();
        let tool = tool.args(["env", "-i", &format!("PATH={path}")]).args(variables);
        tool.arg(self.site.path("ensure-up")).args(arguments).any_stdout().any_stderr()
    }

    /// Prepares a run by root as this user, with root's variables; `None` where there is no sudo.
    pub(crate) fn sudo(&self, arguments: &[&str]) -> Option<Tool> {
        if self.uid == 0 {
            skipped("needs root");
            return None;
        }
        installed("sudo")?;
        let tool = self.inside().env("HOME", "/root").args(["sudo", "-n", "--preserve-env=HOME", "-u", NAME]);
        Some(tool.arg(self.site.path("ensure-up")).args(arguments).any_stdout().any_stderr())
    }

    /// The arguments that ask for the site's server, with these options.
    pub(crate) fn serve(&self, options: &[&str]) -> Vec<String> {
        let (port, fixture, count) = (self.site.port.to_string(), self.site.word("fixture"), self.site.word("count"));
        let words = ["--port", &port].into_iter().chain(options.iter().copied());
        words.chain(["--", &fixture, "serve", "--count", &count, "127.0.0.1:{port}"]).map(str::to_owned).collect()
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.site.path("home/.local/state/ensure-up")
    }
}
