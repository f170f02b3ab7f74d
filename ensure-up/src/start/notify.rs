//! The socket on which a server says that it is ready: the protocol of `sd_notify(3)`.

use std::{
    cell::{Cell, OnceCell},
    ffi::OsString,
    io,
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
};

use tempfile::TempDir;
use tokio::net::UnixDatagram as Watched;

/// A socket in a folder of its own, which only this user can reach.
#[derive(Debug)]
pub(crate) struct Notify {
    socket: UnixDatagram,
    /// The same, once somebody waits for it: it is made before anything else of the start, and the wait comes last.
    watched: OnceCell<io::Result<Watched>>,
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
        Ok(Self { socket, watched: OnceCell::new(), folder, ready: Cell::new(false) })
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
        let watched = self.watched.get_or_init(|| self.socket.try_clone().and_then(Watched::from_std));
        if let Ok(watched) = watched
            && let Ok(length) = watched.recv(&mut message).await
        {
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

#[cfg(test)]
mod tests {
    use proptest::{
        collection::vec,
        prelude::{Just, ProptestConfig, any, prop_oneof},
        proptest,
    };

    use super::*;
    use crate::event::block_on;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

        #[test]
        fn a_server_is_ready_by_that_line_alone(
            pieces in vec(prop_oneof![Just(b"READY=1".to_vec()), Just(b"\n".to_vec()), Just(b"STATUS=".to_vec()), vec(any::<u8>(), 1..3)], 1..6)
        ) {
            let message = pieces.concat();
            let notify = Notify::open().expect("a socket can be made");
            let sender = UnixDatagram::unbound().expect("a socket can be made");
            sender.send_to(&message, notify.path()).expect("it is there");
            block_on(notify.receive()).expect("there are descriptors");
            assert_eq!(notify.is_ready(), message.split(|&byte| byte == b'\n').any(|line| line == b"READY=1"));
        }

        #[test]
        fn no_server_talks_to_the_one_that_its_caller_reports_to(names in vec(prop_oneof![Just("NOTIFY_SOCKET".to_owned()), "[A-Z]{1,3}"], 0..5)) {
            let inherited = names.into_iter().map(|name| (name.into(), "/run/of/the/caller".into())).collect();
            let given = environment(inherited, None);
            assert!(given.iter().all(|(name, _)| name != "NOTIFY_SOCKET"));
        }
    }
}
