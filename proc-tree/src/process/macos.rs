//! macOS: libproc and sysctl(3). Type-checked from Linux, never run.

use std::{
    ffi::{CStr, OsStr, c_int, c_void},
    io, mem,
    os::unix::ffi::OsStrExt,
    path::PathBuf,
    ptr,
    sync::OnceLock,
    time::{Duration, SystemTime},
};

use super::{exists::if_exists, start_time::StartTime, stat::Stat, state::RunState};
use crate::Identity;

/// `p_stat` of sys/proc.h. What sleeps reads as running too, on most versions.
fn run_state(status: u32) -> RunState {
    match status {
        2 => RunState::Running,
        4 => RunState::Stopped,
        5 => RunState::Zombie,
        _ => RunState::Sleeping,
    }
}

/// Reads one fixed-size answer of proc_pidinfo(3), which returns 0 or less on failure and the size on success.
fn info<T>(pid: u32, flavor: c_int) -> io::Result<T> {
    let pid = c_int::try_from(pid).map_err(|_| io::Error::from(io::ErrorKind::NotFound))?;
    let size = c_int::try_from(size_of::<T>()).map_err(io::Error::other)?;
    let mut answer = mem::MaybeUninit::<T>::zeroed();
    // SAFETY: the buffer is `size` bytes long and the kernel writes no more than that.
    let read = unsafe { libc::proc_pidinfo(pid, flavor, 0, answer.as_mut_ptr().cast::<c_void>(), size) };
    if read < size {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel filled the whole structure, which is plain integers and byte arrays.
    Ok(unsafe { answer.assume_init() })
}

fn bsd_info(pid: u32) -> io::Result<Option<libc::proc_bsdinfo>> {
    if_exists(info(pid, libc::PROC_PIDTBSDINFO))
}

pub(super) fn parent(pid: u32) -> io::Result<Option<u32>> {
    Ok(stat(pid)?.map(|stat| stat.parent))
}

/// `bsd/sys/proc_info.h`.
const PROC_FLAG_INEXIT: u32 = 4;

pub(super) fn stat(pid: u32) -> io::Result<Option<Stat>> {
    let Some(bsd) = bsd_info(pid)? else { return Ok(None) };
    let threads = match info::<libc::proc_taskinfo>(pid, libc::PROC_PIDTASKINFO) {
        Ok(task) => u32::try_from(task.pti_threadnum).unwrap_or(0),
        Err(_) => 0,
    };
    let pid_argument = c_int::try_from(pid).unwrap_or(0);
    // SAFETY: getsid(2) takes any number.
    let session = unsafe { libc::getsid(pid_argument) };
    let long = text(&bsd.pbi_name);
    let start = bsd.pbi_start_tvsec * 1_000_000 + bsd.pbi_start_tvusec;
    Ok(Some(Stat {
        pid,
        start_id: start,
        started: StartTime(start),
        parent: bsd.pbi_ppid,
        group: bsd.pbi_pgid,
        session: u32::try_from(session).unwrap_or(0),
        name: if long.is_empty() { text(&bsd.pbi_comm) } else { long },
        state: run_state(bsd.pbi_status),
        is_ending: bsd.pbi_flags & PROC_FLAG_INEXIT != 0,
        threads,
        // told for the user's own processes only
        reaped_cpu: rusage(pid)
            .map(|usage| cpu_time(usage.ri_child_user_time + usage.ri_child_system_time))
            .unwrap_or_default(),
    }))
}

fn text(bytes: &[libc::c_char]) -> String {
    // SAFETY: `c_char` and `u8` have the same size and alignment.
    let bytes = unsafe { std::slice::from_raw_parts(bytes.as_ptr().cast::<u8>(), bytes.len()) };
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

pub(super) fn command(pid: u32) -> io::Result<Option<Vec<String>>> {
    let text = |words: Words| words.arguments.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect();
    Ok(words(pid)?.map(text))
}

pub(super) fn environment(pid: u32) -> io::Result<Option<Vec<u8>>> {
    Ok(words(pid)?.map(|words| words.environment))
}

/// What a process was started with.
#[derive(Default)]
struct Words {
    arguments: Vec<Vec<u8>>,
    /// The variables, each with a NUL behind it.
    environment: Vec<u8>,
}

/// `KERN_PROCARGS2`: the argument count, the executable's path, padding, then the arguments and the variables, each with a NUL;
/// an empty one ends them.
fn words(pid: u32) -> io::Result<Option<Words>> {
    let Some(_) = bsd_info(pid)? else { return Ok(None) };
    let mut name = [libc::CTL_KERN, libc::KERN_PROCARGS2, c_int::try_from(pid).unwrap_or(0)];
    let mut size = 0;
    sysctl(&mut name, ptr::null_mut(), &mut size)?;
    let mut buffer = vec![0u8; size];
    sysctl(&mut name, buffer.as_mut_ptr().cast(), &mut size)?;
    buffer.truncate(size);
    let Some((count, rest)) = buffer.split_first_chunk::<4>() else { return Ok(Some(Words::default())) };
    let count = usize::try_from(i32::from_ne_bytes(*count)).unwrap_or(0);
    let path_end = rest.iter().position(|&byte| byte == 0).unwrap_or(rest.len());
    let padding = rest[path_end..].iter().position(|&byte| byte != 0).unwrap_or(0);
    let mut parts = rest[path_end + padding..].splitn(count.saturating_add(1), |&byte| byte == 0).map(<[u8]>::to_vec);
    let arguments = parts.by_ref().take(count).collect();
    let mut environment = parts.next().unwrap_or_default();
    environment.truncate(environment.windows(2).position(|bytes| bytes == [0, 0]).unwrap_or(environment.len()));
    Ok(Some(Words { arguments, environment }))
}

fn sysctl(name: &mut [c_int], buffer: *mut c_void, size: &mut usize) -> io::Result<()> {
    let length = u32::try_from(name.len()).map_err(io::Error::other)?;
    // SAFETY: `name` is `length` integers long; `buffer` is null or `size` bytes long, and the kernel honours that.
    let status = unsafe { libc::sysctl(name.as_mut_ptr(), length, buffer, size, ptr::null_mut(), 0) };
    if status == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

pub(super) fn executable(pid: u32) -> io::Result<Option<PathBuf>> {
    const LENGTH: u32 = 4096; // PROC_PIDPATHINFO_MAXSIZE
    let mut buffer = vec![0u8; LENGTH as usize];
    // SAFETY: the buffer is LENGTH bytes long.
    let length = unsafe { libc::proc_pidpath(c_int::try_from(pid).unwrap_or(0), buffer.as_mut_ptr().cast(), LENGTH) };
    let found = usize::try_from(length).ok().filter(|&length| length > 0).ok_or_else(io::Error::last_os_error);
    Ok(if_exists(found)?.map(|length| PathBuf::from(OsStr::from_bytes(&buffer[..length]))))
}

pub(super) fn cwd(pid: u32) -> io::Result<Option<PathBuf>> {
    let Some(paths) = if_exists(info::<libc::proc_vnodepathinfo>(pid, libc::PROC_PIDVNODEPATHINFO))? else {
        return Ok(None);
    };
    // SAFETY: the kernel ends the path with a NUL within the array.
    let path = unsafe { CStr::from_ptr(paths.pvi_cdir.vip_path.as_ptr().cast()) };
    Ok(Some(PathBuf::from(OsStr::from_bytes(path.to_bytes()))))
}

pub(super) fn uid(pid: u32) -> io::Result<Option<u32>> {
    Ok(bsd_info(pid)?.map(|bsd| bsd.pbi_uid))
}

pub(super) fn all() -> io::Result<Vec<u32>> {
    // SAFETY: with a null buffer the call only answers how many there are.
    list(|buffer, bytes| unsafe { libc::proc_listallpids(buffer, bytes) })
}

/// What the kernel does itself are threads of one process there.
pub(super) fn programs() -> io::Result<Vec<u32>> {
    all()
}

/// Its start is a process's identity there.
pub(super) fn stat_by_start(pid: u32) -> io::Result<Option<Stat>> {
    stat(pid)
}

/// libproc tells of processes as such.
pub(super) fn other_thread(_pid: u32) -> Option<u32> {
    None
}

/// proc_listchildpids(3) goes through the whole table for each process: one pass for all of them is cheaper.
pub(super) fn children(_pid: u32, _threads: u32) -> io::Result<Vec<u32>> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Reads what the kernel has counted for a process.
pub(crate) fn rusage(pid: u32) -> io::Result<libc::rusage_info_v4> {
    let pid = c_int::try_from(pid).map_err(|_| io::Error::from(io::ErrorKind::NotFound))?;
    let mut answer = mem::MaybeUninit::<libc::rusage_info_v4>::zeroed();
    // SAFETY: the flavor says that the buffer is a `rusage_info_v4`, which it is.
    let status = unsafe { libc::proc_pid_rusage(pid, libc::RUSAGE_INFO_V4, answer.as_mut_ptr().cast()) };
    if status != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel filled the whole structure, which is plain integers.
    Ok(unsafe { answer.assume_init() })
}

/// Converts CPU time: it is counted in ticks of the machine's clock, which are nanoseconds on Intel only.
pub(crate) fn cpu_time(ticks: u64) -> Duration {
    static RATIO: OnceLock<(u32, u32)> = OnceLock::new();
    let &(numerator, denominator) = RATIO.get_or_init(timebase);
    let nanoseconds = u128::from(ticks) * u128::from(numerator) / u128::from(denominator);
    Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
}

#[expect(deprecated, reason = "a crate of its own for one call is too much")]
fn timebase() -> (u32, u32) {
    let mut base = libc::mach_timebase_info { numer: 0, denom: 0 };
    // SAFETY: the structure is ours to be written to.
    let status = unsafe { libc::mach_timebase_info(&raw mut base) };
    if status == 0 && base.denom != 0 { (base.numer, base.denom) } else { (1, 1) }
}

/// Grows the buffer until the answer leaves room: the table may grow between two calls.
fn list(read: impl Fn(*mut c_void, c_int) -> c_int) -> io::Result<Vec<u32>> {
    let mut pids = vec![0u32; 4096];
    loop {
        let bytes = c_int::try_from(pids.len() * size_of::<u32>()).map_err(io::Error::other)?;
        let count = read(pids.as_mut_ptr().cast(), bytes);
        let count = usize::try_from(count).map_err(|_| io::Error::last_os_error())?;
        if count < pids.len() {
            pids.truncate(count);
            return Ok(pids);
        }
        pids.resize(pids.len() * 2, 0);
    }
}

pub(super) fn clock() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    now.as_micros().try_into().unwrap_or(u64::MAX)
}

pub(super) fn time_of(start: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(start)
}

/// Threads have numbers of their own.
#[expect(clippy::unnecessary_wraps, reason = "the façade has this shape on both platforms")]
pub(super) fn of_thread(_id: u32) -> io::Result<Option<u32>> {
    Ok(None)
}

/// There is one kind.
#[expect(clippy::unnecessary_wraps, reason = "the façade has this shape on both platforms")]
pub(super) fn as_read_here(given: Identity) -> io::Result<Identity> {
    Ok(given)
}

pub(super) fn identity(pid: u32) -> io::Result<Option<Identity>> {
    Ok(stat(pid)?.filter(|stat| !stat.has_ended()).map(|stat| stat.identity()))
}

/// There are no PID namespaces here.
#[expect(clippy::unnecessary_wraps, reason = "Linux asks a file")]
pub(super) fn is_own_namespace() -> io::Result<bool> {
    Ok(true)
}

/// `kern.bootsessionuuid` names the boot; unlike `kern.boottime` it does not move with the clock.
pub(super) fn boot_id() -> io::Result<String> {
    let mut buffer = [0u8; 64];
    let mut size = buffer.len();
    let name = c"kern.bootsessionuuid";
    // SAFETY: the name ends with a NUL; the buffer is `size` bytes long.
    let status =
        unsafe { libc::sysctlbyname(name.as_ptr(), buffer.as_mut_ptr().cast(), &raw mut size, ptr::null_mut(), 0) };
    if status != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(String::from_utf8_lossy(&buffer[..size]).trim_end_matches('\0').to_owned())
}
