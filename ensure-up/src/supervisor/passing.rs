//! Passing a held socket on to the next supervisor: from the one that is to end, or from the server where that was killed.
//!
//! On its way it lies in a message that nobody has read yet (`SCM_RIGHTS`, unix(7)): it listens, and no process has it open.
//! So whoever stops all that hold the port does not meet the call that starts the server again.
//!
//! Linux alone: there are addresses without a file, which no user can take from another. Elsewhere it is not passed on.

use std::os::{fd::BorrowedFd, unix::net::UnixStream};

#[cfg(target_os = "linux")]
pub(crate) use linux::send_for;
#[cfg(target_os = "linux")]
pub(super) use linux::{Offer, received};

/// A socket on its way to the next supervisor.
#[derive(Debug)]
pub(crate) struct InFlight(UnixStream);

impl InFlight {
    /// Returns what the next supervisor reads the message from.
    pub(crate) fn message(&self) -> BorrowedFd<'_> {
        std::os::fd::AsFd::as_fd(&self.0)
    }
}

/// Says what it means that a socket was not passed on.
pub(crate) fn lost(why: &str) -> String {
    format!("its socket could not be kept ({why}): whoever connected meanwhile was refused")
}

#[cfg(target_os = "linux")]
mod linux {
    use std::{
        fs,
        io::{self, IoSlice, IoSliceMut},
        mem::MaybeUninit,
        net::TcpListener,
        os::{
            fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd},
            linux::net::SocketAddrExt,
            unix::net::{SocketAddr, UnixListener, UnixStream},
        },
        sync::{Arc, Mutex, PoisonError, Weak},
        thread,
    };

    use proc_tree::{Identity, cli::text};
    use rustix::{
        event::{PollFd, PollFlags, Timespec, poll},
        net::{
            RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
            recvmsg, sendmsg, sockopt,
        },
        process::{Pid, PidfdFlags, PidfdGetfdFlags, geteuid, pidfd_getfd, pidfd_open},
    };

    use super::{super::held::Held, InFlight};
    use crate::{ServerRecord, server::port as listening};

    /// How long a supervisor may take to send; one that is halted never does.
    const PATIENCE: Timespec = Timespec { tv_sec: 2, tv_nsec: 0 };

    /// The descriptor of what is handed to a process that is started, and what says that it was: `sd_listen_fds(3)`.
    const HANDED: i32 = 3;
    const HANDED_TO: &str = "LISTEN_PID";

    /// Gives the socket that is held to the user's calls that ask for it.
    #[derive(Debug)]
    pub(in super::super) struct Offer(Arc<Mutex<Weak<Held>>>);

    impl Offer {
        /// Begins to, in a thread of its own, which sleeps until somebody asks: a server that takes long to end may be
        /// waited for meanwhile.
        pub(in super::super) fn begin() -> io::Result<Self> {
            let own = Identity::of(std::process::id())?.ok_or(io::ErrorKind::NotFound)?;
            let listener = UnixListener::bind_addr(&address(own)?)?;
            let offered = Arc::new(Mutex::new(Weak::<Held>::new()));
            let held = Arc::clone(&offered);
            let serve = move || {
                for client in listener.incoming().flatten() {
                    let held = held.lock().unwrap_or_else(PoisonError::into_inner).upgrade();
                    if let Some(held) = held.filter(|_| is_own(&client, None)) {
                        // who asks and goes has to do without
                        let _ = send(&client, held.socket());
                    }
                }
            };
            thread::Builder::new().name("socket".into()).stack_size(64 * 1024).spawn(serve)?;
            Ok(Self(offered))
        }

        /// Gives this socket from now on, as long as it is held.
        pub(in super::super) fn give(&self, held: &Arc<Held>) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(held);
        }
    }

    /// Takes the socket that this process was handed by the call that started it, if it was.
    pub(in super::super) fn received() -> Option<TcpListener> {
        let is_handed = std::env::var(HANDED_TO).is_ok_and(|pid| pid == std::process::id().to_string());
        // SAFETY: the descriptor is this process's by that agreement, and nobody has taken it yet.
        let message = is_handed.then(|| unsafe { OwnedFd::from_raw_fd(HANDED) })?;
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
        recvmsg(&message, &mut [IoSliceMut::new(&mut [0])], &mut control, flags).ok()?;
        let mut sockets = control.drain().filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(mut sockets) => sockets.next(),
            _ => None,
        });
        sockets.next().filter(|socket| sockopt::socket_acceptconn(socket).unwrap_or(false)).map(TcpListener::from)
    }

    /// Has the socket of a recorded server sent that its supervisor holds, or held when it was killed; `None` where it
    /// holds none.
    ///
    /// # Errors
    /// When there is one, with why it cannot be had.
    pub(crate) fn send_for(record: &ServerRecord) -> Result<Option<InFlight>, String> {
        if !record.holds_socket() {
            return Ok(None);
        }
        let supervisor = record.running_supervisor().ok().flatten();
        let sent = supervisor.map_or(Err(io::ErrorKind::NotFound.into()), by_supervisor);
        match sent.or_else(|_| by_server(record)) {
            Ok(in_flight) => Ok(Some(in_flight)),
            // the breaker is open, or it was never started
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(text::os_error(&error)),
        }
    }

    fn by_supervisor(supervisor: Identity) -> io::Result<InFlight> {
        let stream = UnixStream::connect_addr(&address(supervisor)?)?;
        if !is_own(&stream, Some(supervisor)) {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        match poll(&mut [PollFd::new(&stream, PollFlags::IN)], Some(&PATIENCE))? {
            0 => Err(io::ErrorKind::TimedOut.into()),
            _ => Ok(InFlight(stream)),
        }
    }

    /// Takes it from the server, where the system lets a process do that to another one of its user: pidfd_getfd(2).
    fn by_server(record: &ServerRecord) -> io::Result<InFlight> {
        let port = record.port.ok_or(io::ErrorKind::NotFound)?;
        let sockets = listening::sockets(port).map_err(io::Error::other)?;
        let links: Vec<String> = sockets.iter().map(|socket| format!("socket:[{}]", socket.inode)).collect();
        let mut failure = io::ErrorKind::NotFound.into();
        for pid in record.roots().iter().filter(|root| root.is_running().unwrap_or(false)).map(|root| root.pid) {
            let Some(descriptor) = descriptor(pid, &links) else { continue };
            match taken(pid, descriptor) {
                Ok(socket) => {
                    let (from, to) = UnixStream::pair()?;
                    send(&from, socket.as_fd())?;
                    return Ok(InFlight(to));
                }
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    fn descriptor(pid: u32, links: &[String]) -> Option<i32> {
        let entries = fs::read_dir(format!("/proc/{pid}/fd")).ok()?.flatten();
        let is_it = |entry: &fs::DirEntry| {
            fs::read_link(entry.path()).is_ok_and(|link| links.iter().any(|known| link.as_os_str() == known.as_str()))
        };
        entries.filter(is_it).find_map(|entry| entry.file_name().to_str()?.parse().ok())
    }

    fn taken(pid: u32, descriptor: i32) -> io::Result<OwnedFd> {
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::NotFound)?;
        Ok(pidfd_getfd(pidfd_open(pid, PidfdFlags::empty())?, descriptor, PidfdGetfdFlags::empty())?)
    }

    fn send(to: &UnixStream, socket: BorrowedFd<'_>) -> io::Result<()> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let sockets = [socket];
        control.push(SendAncillaryMessage::ScmRights(&sockets));
        sendmsg(to, &[IoSlice::new(b"!")], &mut control, SendFlags::NOSIGNAL)?;
        Ok(())
    }

    /// An address without a file that names one process of this machine's uptime.
    fn address(supervisor: Identity) -> io::Result<SocketAddr> {
        let Identity { pid, start_id } = supervisor;
        SocketAddr::from_abstract_name(format!("ensure-up/{}/{pid}-{start_id}", geteuid().as_raw()))
    }

    /// Anybody may connect to such an address, or have taken it before: tells whether the other end is this user's, and the
    /// process that is meant.
    fn is_own(stream: &UnixStream, process: Option<Identity>) -> bool {
        sockopt::socket_peercred(stream).is_ok_and(|peer| {
            let pid = u32::try_from(peer.pid.as_raw_nonzero().get()).ok();
            peer.uid == geteuid() && process.is_none_or(|process| pid == Some(process.pid))
        })
    }
}

#[cfg(target_os = "macos")]
pub(crate) use macos::send_for;
#[cfg(target_os = "macos")]
pub(super) use macos::{Offer, received};

#[cfg(target_os = "macos")]
mod macos {
    use std::{io, net::TcpListener, sync::Arc};

    use super::{super::held::Held, InFlight};
    use crate::ServerRecord;

    #[derive(Debug)]
    pub(in super::super) struct Offer;

    impl Offer {
        pub(in super::super) fn begin() -> io::Result<Self> {
            Err(io::ErrorKind::Unsupported.into())
        }

        #[expect(clippy::unused_self, reason = "as on Linux")]
        pub(in super::super) fn give(&self, _held: &Arc<Held>) {}
    }

    pub(in super::super) fn received() -> Option<TcpListener> {
        None
    }

    pub(crate) fn send_for(record: &ServerRecord) -> Result<Option<InFlight>, String> {
        if record.holds_socket() { Err("this system does not pass it on".into()) } else { Ok(None) }
    }
}
