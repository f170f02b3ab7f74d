//! Linux: /proc, as proc(5) describes it.

use std::{
    collections::HashSet,
    fs, io,
    os::unix::ffi::OsStringExt,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use rustix::{
    buffer::spare_capacity,
    fs::statfs,
    io::Errno,
    process::{Pid, test_kill_process},
    time::{ClockId, clock_gettime},
};

use super::{exists::if_exists, start_time::StartTime, stat::Stat, state::RunState};
use crate::Identity;

#[path = "linux/parent.rs"]
mod parent;
#[path = "linux/pidfd.rs"]
pub(crate) mod pidfd;
#[path = "linux/start_id.rs"]
mod start_id;

use pidfd::Support;
use start_id::Kind;

/// Reads a file below /proc/PID.
pub(crate) fn read(pid: u32, name: &str) -> io::Result<Vec<u8>> {
    read_file(&format!("/proc/{pid}/{name}"))
}

/// Reads a file below /proc. Such a file has no size that could be asked for, and most fit into one read.
fn read_file(path: &str) -> io::Result<Vec<u8>> {
    let file = fs::File::open(path)?;
    let mut bytes = Vec::with_capacity(4096);
    loop {
        bytes.reserve(1024);
        match rustix::io::read(&file, spare_capacity(&mut bytes)) {
            Ok(0) => return Ok(bytes),
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Reads a file below /proc/PID that the kernel hands over in one piece, as it does a process's line, its words and its
/// environment: a read that leaves room has found the end.
fn read_at_once(pid: u32, name: &str) -> io::Result<Vec<u8>> {
    let file = fs::File::open(format!("/proc/{pid}/{name}"))?;
    let mut bytes = Vec::with_capacity(4096);
    loop {
        bytes.reserve(1024);
        match rustix::io::read(&file, spare_capacity(&mut bytes)) {
            Ok(_) if bytes.len() < bytes.capacity() => return Ok(bytes),
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

pub(super) fn stat(pid: u32) -> io::Result<Option<Stat>> {
    match pidfd::support()? {
        Support::Identities => stat_by_pidfd(pid),
        Support::Handles | Support::None => stat_by_start(pid),
    }
}

pub(super) fn parent(pid: u32) -> io::Result<Option<u32>> {
    match stat(pid) {
        Err(hidden) if hidden.kind() == io::ErrorKind::PermissionDenied => parent::ask(pid).map_err(|_| hidden),
        answer => Ok(answer?.map(|stat| stat.parent)),
    }
}

/// The pidfd is opened first. When its process is still there after the read, the PID was given to no other meanwhile.
fn stat_by_pidfd(pid: u32) -> io::Result<Option<Stat>> {
    loop {
        let Some(opened) = pidfd::open(pid)? else { return Ok(None) };
        let text = if_exists(read_at_once(pid, "stat"))?;
        if !pidfd::exists(&opened)? {
            continue;
        }
        let Some(text) = text else { return Err(hidden()) };
        return parsed(pid, &text, Some(pidfd::start_id(&opened)?)).map(Some);
    }
}

pub(super) fn stat_by_start(pid: u32) -> io::Result<Option<Stat>> {
    match if_exists(read_at_once(pid, "stat"))? {
        Some(text) => parsed(pid, &text, None).map(Some),
        None if !may_exist(pid) => Ok(None),
        // it may have begun since
        None => if_exists(read_at_once(pid, "stat"))?
            .map(|text| parsed(pid, &text, None))
            .transpose()?
            .map_or(Err(hidden()), |stat| Ok(Some(stat))),
    }
}

/// What /proc does not show may be there all the same: `hidepid` in proc(5).
fn may_exist(pid: u32) -> bool {
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return false };
    test_kill_process(pid) != Err(Errno::SRCH)
}

fn hidden() -> io::Error {
    if is_proc_mounted() {
        io::Error::new(io::ErrorKind::PermissionDenied, "/proc hides it from you (hidepid)")
    } else {
        io::Error::other("/proc shows no processes")
    }
}

fn is_proc_mounted() -> bool {
    const PROC_SUPER_MAGIC: u64 = 0x9fa0;
    statfs("/proc").is_ok_and(|system| u64::try_from(system.f_type) == Ok(PROC_SUPER_MAGIC))
}

fn parsed(pid: u32, text: &[u8], start_id: Option<u64>) -> io::Result<Stat> {
    let unknown = || io::Error::new(io::ErrorKind::InvalidData, format!("/proc/{pid}/stat has an unknown form"));
    parse_stat(text, start_id).ok_or_else(unknown)
}

/// Returns the identity of the process that has `pid` now, without a look into /proc where that is possible: there it may
/// be hidden.
pub(super) fn identity(pid: u32) -> io::Result<Option<Identity>> {
    if pidfd::support()? != Support::Identities {
        return Ok(stat(pid)?.filter(|stat| !stat.has_ended()).map(|stat| stat.identity()));
    }
    let Some(opened) = pidfd::open(pid)? else { return Ok(None) };
    let identity = Identity { pid, start_id: pidfd::start_id(&opened)? };
    Ok((!pidfd::has_ended(&opened)?).then_some(identity))
}

/// Finds the identity in the kind that is read here. Ticks can be read everywhere, pidfds not.
pub(super) fn as_read_here(given: Identity) -> io::Result<Identity> {
    let reads_inodes = pidfd::support()? == Support::Identities;
    match Kind::of(given.start_id) {
        Kind::Ticks if reads_inodes => {
            let is_it = |now: &Stat| start_id::of_ticks(now.started.0) == given.start_id;
            Ok(stat(given.pid)?.filter(is_it).map_or(given, |now| now.identity()))
        }
        Kind::Inode if !reads_inodes && may_exist(given.pid) => Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "its start_id is the inode of a pidfd, and this process may not open pidfds",
        )),
        Kind::Inode | Kind::Ticks | Kind::Neither => Ok(given),
    }
}

/// Tells whether /proc counts in the PIDs of this process's own namespace: there it has one PID, its own.
///
/// Where there is no /proc at all nothing is counted: what needs it will say so.
pub(super) fn is_own_namespace() -> io::Result<bool> {
    match read_file("/proc/self/status") {
        // before Linux 4.1 there was no such line
        Ok(text) => Ok(text
            .split(|&byte| byte == b'\n')
            .find_map(|line| line.strip_prefix(b"NSpid:"))
            .is_none_or(|pids| pids.trim_ascii().iter().all(u8::is_ascii_digit))),
        // a namespace in which this process is not
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(!is_proc_mounted()),
        Err(error) => Err(error),
    }
}

/// `include/linux/sched.h`.
const PF_EXITING: u64 = 4;

/// The bit of SIGKILL: whatever signal ends a process for sure, the kernel sends this one to its threads.
const KILLED: u64 = 1 << 8;

/// The name may hold spaces and parentheses: it ends at the last `)`. Without a pidfd's inode the start time is the identity.
fn parse_stat(text: &[u8], start_id: Option<u64>) -> Option<Stat> {
    let open = text.iter().position(|&byte| byte == b'(')?;
    let close = text.iter().rposition(|&byte| byte == b')')?;
    let pid = std::str::from_utf8(&text[..open]).ok()?.trim().parse().ok()?;
    let fields: Vec<&str> = std::str::from_utf8(&text[close + 1..]).ok()?.split_ascii_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    // the reaped children's times are signed in the kernel's format, and never negative
    let reaped = number(13)?.saturating_add(number(14)?);
    let started = number(19)?;
    Some(Stat {
        pid,
        name: String::from_utf8_lossy(&text[open + 1..close]).into_owned(),
        state: RunState::from_letter(fields.first()?.chars().next()?),
        is_ending: number(6)? & PF_EXITING != 0 || number(28).is_some_and(|pending| pending & KILLED != 0),
        // a parent outside this PID namespace reads as 0, a session outside it too
        parent: u32::try_from(number(1)?).ok()?,
        group: fields.get(2)?.parse().unwrap_or(0),
        session: fields.get(3)?.parse().unwrap_or(0),
        reaped_cpu: ticks(reaped),
        threads: u32::try_from(number(17)?).ok()?,
        start_id: start_id.unwrap_or_else(|| start_id::of_ticks(started)),
        started: StartTime(started),
    })
}

fn ticks(count: u64) -> Duration {
    Duration::from_secs(count) / u32::try_from(rustix::param::clock_ticks_per_second()).unwrap_or(100)
}

pub(super) fn command(pid: u32) -> io::Result<Option<Vec<String>>> {
    let Some(mut text) = if_exists(read_at_once(pid, "cmdline"))? else { return Ok(None) };
    if text.last() == Some(&0) {
        text.pop();
    }
    if text.is_empty() {
        return Ok(Some(Vec::new()));
    }
    Ok(Some(text.split(|&byte| byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect()))
}

pub(super) fn environment(pid: u32) -> io::Result<Option<Vec<u8>>> {
    if_exists(read_at_once(pid, "environ"))
}

pub(super) fn executable(pid: u32) -> io::Result<Option<PathBuf>> {
    link(pid, "exe")
}

pub(super) fn cwd(pid: u32) -> io::Result<Option<PathBuf>> {
    link(pid, "cwd")
}

/// A file that was removed reads with ` (deleted)` behind its path: an upgraded program, say.
fn link(pid: u32, name: &str) -> io::Result<Option<PathBuf>> {
    let Some(target) = if_exists(fs::read_link(format!("/proc/{pid}/{name}")))? else { return Ok(None) };
    let mut bytes = target.into_os_string().into_vec();
    if bytes.ends_with(b" (deleted)") {
        bytes.truncate(bytes.len() - b" (deleted)".len());
    }
    Ok(Some(PathBuf::from(std::ffi::OsString::from_vec(bytes))))
}

/// The owner of a process's folder is its effective user, but root for one that may not be traced: read `status`.
pub(super) fn uid(pid: u32) -> io::Result<Option<u32>> {
    status(pid, b"Uid:", 1)
}

/// A thread has a folder in /proc too, which is in no list.
pub(super) fn of_thread(id: u32) -> io::Result<Option<u32>> {
    Ok(status(id, b"Tgid:", 0)?.filter(|&pid| pid != id))
}

/// Reads a number of a line of `status`: proc_pid_status(5).
fn status(pid: u32, line: &[u8], column: usize) -> io::Result<Option<u32>> {
    let Some(text) = if_exists(read(pid, "status"))? else { return Ok(None) };
    let values = text.split(|&byte| byte == b'\n').find_map(|found| found.strip_prefix(line));
    Ok(values.and_then(|values| std::str::from_utf8(values).ok()?.split_ascii_whitespace().nth(column)?.parse().ok()))
}

pub(super) fn all() -> io::Result<Vec<u32>> {
    let mut pids = Vec::new();
    for entry in fs::read_dir("/proc")? {
        if let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) {
            pids.push(pid);
        }
    }
    Ok(pids)
}

/// Lists the PIDs of all processes that can be seen but the kernel's own.
pub(super) fn programs() -> io::Result<Vec<u32>> {
    let mut pids = all()?;
    // asked for last: a program that had the PID of one of these before has ended
    let kernels = kernel_threads();
    pids.retain(|pid| !kernels.contains(pid));
    Ok(pids)
}

/// Lists the kernel's threads: kthreadd, PID 2 where they can be seen at all, and its children.
fn kernel_threads() -> HashSet<u32> {
    const KTHREADD: u32 = 2;
    if !read_at_once(KTHREADD, "stat").is_ok_and(|line| is_kernel_thread(&line)) {
        return HashSet::new();
    }
    children(KTHREADD, 1).unwrap_or_default().into_iter().chain([KTHREADD]).collect()
}

/// Source: the flags of a task, `PF_KTHREAD` in the kernel's sched.h.
fn is_kernel_thread(line: &[u8]) -> bool {
    const PF_KTHREAD: u64 = 0x0020_0000;
    let rest = line.iter().rposition(|&byte| byte == b')').map(|close| &line[close + 1..]);
    let flags = rest.and_then(|rest| std::str::from_utf8(rest).ok()?.split_ascii_whitespace().nth(6)?.parse().ok());
    flags.is_some_and(|flags: u64| flags & PF_KTHREAD != 0)
}

pub(super) fn children(pid: u32, threads: u32) -> io::Result<Vec<u32>> {
    let mut pids = Vec::new();
    if threads <= 1 {
        read_children(pid, pid, &mut pids)?;
        return Ok(pids);
    }
    let Some(tasks) = if_exists(fs::read_dir(format!("/proc/{pid}/task")))? else { return Ok(pids) };
    for task in tasks.map_while(Result::ok) {
        if let Some(task) = task.file_name().to_str().and_then(|name| name.parse().ok()) {
            read_children(pid, task, &mut pids)?;
        }
    }
    Ok(pids)
}

/// There is a folder below /proc for every thread, though none is listed there.
pub(super) fn other_thread(pid: u32) -> Option<u32> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let mut threads = tasks.map_while(Result::ok).filter_map(|task| task.file_name().to_str()?.parse().ok());
    threads.find(|&thread| thread != pid)
}

/// Without `CONFIG_PROC_CHILDREN` the file is missing although the task is there.
fn read_children(pid: u32, task: u32, pids: &mut Vec<u32>) -> io::Result<()> {
    match if_exists(read(pid, &format!("task/{task}/children")))? {
        Some(text) => {
            let text = String::from_utf8_lossy(&text);
            pids.extend(text.split_ascii_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
            Ok(())
        }
        None if fs::exists("/proc/thread-self/children")? => Ok(()),
        None => Err(io::ErrorKind::Unsupported.into()),
    }
}

pub(super) fn time_of(start: u64) -> SystemTime {
    let boot = now(ClockId::Realtime).saturating_sub(now(ClockId::Boottime));
    // the two clocks are not read at once: round to what a tick can tell, so that the answer holds still
    let tick = 10_000_000;
    let nanos = (boot + ticks(start)).as_nanos();
    SystemTime::UNIX_EPOCH + Duration::from_nanos(u64::try_from((nanos + tick / 2) / tick * tick).unwrap_or(u64::MAX))
}

pub(super) fn clock() -> u64 {
    let nanos = now(ClockId::Boottime).as_nanos();
    let ticks = nanos * u128::from(rustix::param::clock_ticks_per_second()) / 1_000_000_000;
    ticks.try_into().unwrap_or(u64::MAX)
}

fn now(clock: ClockId) -> Duration {
    let now = clock_gettime(clock);
    Duration::new(now.tv_sec.try_into().unwrap_or(0), now.tv_nsec.try_into().unwrap_or(0))
}

pub(super) fn boot_id() -> io::Result<String> {
    Ok(String::from_utf8_lossy(&read_file("/proc/sys/kernel/random/boot_id")?).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::{
        collection::vec,
        prelude::{Just, ProptestConfig, any, prop_oneof},
        proptest,
        sample::Index,
    };

    use super::*;

    const LINE: &[u8] = b"4711 (a) (b\xff c) S 1 4711 4710 0 -1 4194560 1 2 3 4 50 60 70 30 20 0 7 0 987654 1 2";

    #[test]
    fn a_name_with_spaces_parentheses_and_bad_bytes_does_not_shift_the_fields() {
        let stat = parse_stat(LINE, None).expect("the line is well-formed");
        assert_eq!(
            (stat.pid, stat.parent, stat.session, stat.threads, stat.started),
            (4711, 1, 4710, 7, StartTime(987_654))
        );
        assert_eq!(stat.name, "a) (b\u{fffd} c");
        assert_eq!(stat.reaped_cpu, Duration::from_secs(1));
        assert!(!stat.is_ending);
    }

    #[test]
    fn what_was_killed_is_ending() {
        for (pending, is_ending) in [(0, false), (1 << 14, false), (1 << 8, true), (1 << 8 | 1 << 14, true)] {
            let line = [LINE, format!(" 3 4 5 6 7 8 {pending} 0").as_bytes()].concat();
            assert_eq!(parse_stat(&line, None).map(|stat| stat.is_ending), Some(is_ending), "{pending:b}");
        }
    }

    #[test]
    fn what_has_ended_is_ending_and_what_runs_is_not() {
        let is_ending = |pid| stat(pid).expect("/proc is readable").expect("it is there").is_ending;
        assert!(!is_ending(std::process::id()));
        let mut child = std::process::Command::new("true").spawn().expect("a process can be started");
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        while !is_ending(child.id()) {
            assert!(std::time::Instant::now() < deadline, "it does not end");
            std::thread::sleep(Duration::from_millis(1));
        }
        child.wait().expect("it was not waited for");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

        #[test]
        fn whatever_the_name_is_the_fields_are_read_as_they_were_written(
            name in vec(prop_oneof![Just(b'('), Just(b')'), Just(b'\n'), Just(b' '), Just(b'1'), any::<u8>()], 0..16),
            (pid, parent, threads, started) in any::<(u32, u32, u32, u64)>(),
            (at, byte) in any::<(Index, u8)>(),
        ) {
            let mut line = format!("{pid} (").into_bytes();
            line.extend(&name);
            line.extend(format!(") R {parent} 3 4 0 -1 0 0 0 0 0 0 0 0 0 20 0 {threads} 0 {started} 1 2\n").as_bytes());
            let stat = parse_stat(&line, None).expect("the line is well-formed");
            assert_eq!((stat.pid, stat.parent, stat.threads, stat.started), (pid, parent, threads, StartTime(started)));
            assert_eq!(stat.name, String::from_utf8_lossy(&name));
            // cut, and with one byte changed
            let at = at.index(line.len());
            let _ = parse_stat(&line[..at], None);
            line[at] = byte;
            let _ = parse_stat(&line, None);
        }
    }

    #[test]
    fn the_start_time_of_a_living_process_is_its_identity_too_and_any_other_is_nobodys() {
        let own = stat(std::process::id()).expect("it can be read").expect("it runs");
        let ticks = Identity { pid: own.pid, start_id: start_id::of_ticks(own.started.0) };
        assert_eq!(as_read_here(ticks).expect("it can be told"), own.identity());
        for start_id in [ticks.start_id + 1, ticks.start_id - 1, u64::MAX] {
            let other = Identity { pid: own.pid, start_id };
            assert_eq!(as_read_here(other).expect("it can be told"), other);
        }
    }

    #[test]
    fn a_kernel_thread_is_known_by_its_flags() {
        let line = |flags: u32| format!("2 (k (threadd)) S 0 0 0 0 -1 {flags} 0 0 0 4 0 0 20 0 1 0 3");
        for (flags, is_kernels) in [(2_129_984, true), (4_194_560, false), (0, false)] {
            assert_eq!(is_kernel_thread(line(flags).as_bytes()), is_kernels, "{flags}");
        }
        assert!(!is_kernel_thread(LINE) && !is_kernel_thread(b"2 (kthreadd) S"));
    }

    #[test]
    fn a_cut_line_is_not_a_process() {
        assert_eq!(parse_stat(&LINE[..40], None), None);
        assert_eq!(parse_stat(b"", None), None);
    }
}
