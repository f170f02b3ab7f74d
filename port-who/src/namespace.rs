//! Network namespaces: each has sockets of its own, network_namespaces(7).
//!
//! One façade: `own` names the namespace of the calling thread, `of` that of a process, `others` opens all that other processes are in, and
//! `Namespace::within` does some work inside one. Linux only; elsewhere there is one network, and asking for others is an
//! error.

#[cfg_attr(target_os = "linux", path = "namespace/linux.rs")]
#[cfg_attr(target_os = "macos", path = "namespace/macos.rs")]
mod platform;

pub(crate) use platform::others;
pub use platform::{of, own};
