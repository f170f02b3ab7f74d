//! The socket on which a server says that it is ready: the protocol of `sd_notify(3)`.

use std::{
    cell::Cell,
    ffi::OsString,
    io,
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

/// A socket in a folder of its own, which only this user can reach.
#[derive(Debug)]
pub(crate) struct Notify {
    socket: tokio::net::UnixDatagram,
    folder: TempDir,
    ready: Cell<bool>,
}

impl Notify {
    /// Opens the socket, in the temporary folder; in `/tmp` where that one's path is too long for a socket's, which has at
    /// most 107 bytes (`unix(7)`; 103 on macOS).
    ///
    /// # Errors
    /// When it cannot be made.
    pub(crate) fn open() -> io::Result<Self> {
        const LONGEST: usize = 103;
        let mut named = tempfile::Builder::new();
        let named = named.prefix("ensure-up-");
        let mut folder = named.tempdir()?;
        if path(folder.path()).as_os_str().len() > LONGEST {
            folder = named.tempdir_in("/tmp")?;
        }
        let socket = UnixDatagram::bind(path(folder.path()))?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket: tokio::net::UnixDatagram::from_std(socket)?, folder, ready: Cell::new(false) })
    }

    /// Returns the socket's path, for `NOTIFY_SOCKET`.
    pub(crate) fn path(&self) -> PathBuf {
        path(self.folder.path())
    }

    /// Tells whether the server has said `READY=1`.
    pub(crate) fn is_ready(&self) -> bool {
        self.ready.get()
    }

    /// Waits for the next message.
    pub(crate) async fn receive(&self) {
        let mut message = [0; 4096];
        if let Ok(length) = self.socket.recv(&mut message).await {
            let says_ready = message[..length].split(|&byte| byte == b'\n').any(|line| line == b"READY=1");
            self.ready.set(self.ready.get() || says_ready);
        } else {
            std::future::pending::<()>().await;
        }
    }
}

/// Names the socket in a server's environment; without one, the server must not talk to the caller's.
pub(crate) fn environment(
    mut environment: Vec<(OsString, OsString)>,
    notify: Option<&Notify>,
) -> Vec<(OsString, OsString)> {
    environment.retain(|(name, _)| name != "NOTIFY_SOCKET");
    environment.extend(notify.map(|notify| ("NOTIFY_SOCKET".into(), notify.path().into_os_string())));
    environment
}

fn path(folder: &Path) -> PathBuf {
    folder.join("notify")
}
