//! A supervisor at rest needs a small part of this program; the rest of it is given back to the system.

/// Gives back the pages of code and constants that only the start needed: what is needed again is read again, from the page
/// cache mostly. Elsewhere than on Linux they stay.
pub(super) fn give_back() {
    #[cfg(target_os = "linux")]
    linux::give_back();
}

#[cfg(target_os = "linux")]
mod linux {
    use std::{fs, num::NonZero, ptr::NonNull};

    use nix::{
        libc::{self, c_void},
        sys::mman::{MmapAdvise, madvise},
    };

    type Mapping = (NonNull<u8>, NonZero<usize>);

    pub(super) fn give_back() {
        // SAFETY: malloc_trim(3) takes no memory that is in use; the C library has its own lock.
        #[cfg(target_env = "gnu")]
        unsafe {
            libc::malloc_trim(0)
        };
        let maps = fs::read_to_string("/proc/self/smaps").unwrap_or_default();
        let mut mapping = None;
        for line in maps.lines() {
            // each mapping begins with its addresses; one line below says how much of it is not the file's any more
            match line.strip_prefix("Anonymous:") {
                None => mapping = read_only_file(line).or(mapping),
                Some(size) if size.trim() == "0 kB" => mapping.take().into_iter().for_each(forget),
                Some(_) => mapping = None,
            }
        }
    }

    fn forget((start, length): Mapping) {
        // SAFETY: these pages cannot be written to and never were: the next access reads the same from the file again.
        let _ = unsafe { madvise(start.cast::<c_void>(), length.get(), MmapAdvise::MADV_DONTNEED) };
    }

    /// Finds a mapping of a file that cannot be written to, by its first line (proc_pid_smaps(5)). Relocations may have
    /// been written to it before.
    fn read_only_file(line: &str) -> Option<Mapping> {
        let mut words = line.split_whitespace();
        let (start, end) = words.next()?.split_once('-')?;
        let is_read_only = matches!(words.next()?, "r-xp" | "r--p");
        let is_file = words.nth(3).is_some_and(|path| path.starts_with('/'));
        let address = |text| usize::from_str_radix(text, 16).ok();
        let (start, end) = (address(start)?, address(end)?);
        let place = NonNull::new(std::ptr::with_exposed_provenance_mut(start))?;
        Some((place, NonZero::new(end.checked_sub(start)?)?)).filter(|_| is_read_only && is_file)
    }
}
