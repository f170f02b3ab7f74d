//! System calls that a filter refuses, as an old kernel or a container's seccomp profile does.

use std::{io, os::unix::process::CommandExt, process::Command};

use nix::libc;

/// Which processes a refused call is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// Any.
    All,
    /// Any but the caller: the call's first argument is another PID.
    Others,
    /// A request: the call's second argument is this one, as of ioctl(2).
    Request(u32),
}

/// Makes the kernel answer this error to some system calls, in the command and in all that it starts.
pub fn refuse(command: &mut Command, calls: &'static [libc::c_long], about: About, errno: i32) {
    let install = move || {
        let mut steps = [step(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW, 0, 0); 24];
        let mut length = 0;
        let mut add = |one| {
            steps[length] = one;
            length += 1;
        };
        let answer = libc::SECCOMP_RET_ERRNO | errno.cast_unsigned();
        for &call in calls {
            // offsets in struct seccomp_data: the call's number, the low halves of its arguments
            let argument = |index: u32| 16 + 8 * index + if cfg!(target_endian = "little") { 0 } else { 4 };
            let number = u32::try_from(call).unwrap_or(u32::MAX);
            add(step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0));
            match about {
                About::All => add(step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, number, 0, 1)),
                About::Others => {
                    add(step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, number, 0, 3));
                    add(step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, argument(0), 0, 0));
                    add(step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, std::process::id(), 1, 0));
                }
                About::Request(request) => {
                    add(step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, number, 0, 3));
                    add(step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, argument(1), 0, 0));
                    add(step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, request, 0, 1));
                }
            }
            add(step(libc::BPF_RET | libc::BPF_K, answer, 0, 0));
        }
        add(step(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW, 0, 0));
        let filter = libc::sock_fprog { len: u16::try_from(length).unwrap_or(0), filter: steps.as_mut_ptr() };
        // SAFETY: prctl(2) reads the filter, which lives until it returns.
        let results = unsafe {
            [
                libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
                libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const filter),
            ]
        };
        if results == [0, 0] { Ok(()) } else { Err(io::Error::last_os_error()) }
    };
    // SAFETY: between fork and exec it makes system calls only.
    unsafe { command.pre_exec(install) };
}

/// Takes the processes' own handles away: pidfds, as before Linux 5.3.
pub fn without_pidfds(command: &mut Command) {
    refuse(command, &[libc::SYS_pidfd_open, libc::SYS_pidfd_send_signal], About::All, libc::ENOSYS);
}

const fn step(code: u32, value: u32, if_equal: u8, otherwise: u8) -> libc::sock_filter {
    #[expect(clippy::cast_possible_truncation, reason = "BPF codes have 16 bits")]
    let code = code as u16;
    libc::sock_filter { code, jt: if_equal, jf: otherwise, k: value }
}
