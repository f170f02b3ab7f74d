//! Saying to the service manager that started this process how far it is: the protocol of `sd_notify(3)`, from its other
//! end.

use std::{env, ffi::OsStr, io, os::unix::net::UnixDatagram};

/// Tells the service manager, if one asked for it: `READY=1`, `STOPPING=1`. What it cannot be told it will find out.
pub fn tell(state: &str) {
    if let Some(socket) = env::var_os("NOTIFY_SOCKET").filter(|path| !path.is_empty()) {
        let _ = send(&socket, state);
    }
}

fn send(socket: &OsStr, state: &str) -> io::Result<()> {
    let from = UnixDatagram::unbound()?;
    #[cfg(target_os = "linux")]
    if let Some(name) = std::os::unix::ffi::OsStrExt::as_bytes(socket).strip_prefix(b"@") {
        use std::os::{linux::net::SocketAddrExt, unix::net::SocketAddr};
        return from.send_to_addr(state.as_bytes(), &SocketAddr::from_abstract_name(name)?).map(drop);
    }
    from.send_to(state.as_bytes(), socket).map(drop)
}
