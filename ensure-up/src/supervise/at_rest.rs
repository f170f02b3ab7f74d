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
        libc::{c_void, malloc_trim},
        sys::mman::{MmapAdvise, madvise},
    };

    pub(super) fn give_back() {
        // SAFETY: malloc_trim(3) takes no memory that is in use; the C library has its own lock.
        #[cfg(target_env = "gnu")]
        unsafe {
            malloc_trim(0)
        };
        let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
        for (start, length) in maps.lines().filter_map(code) {
            // SAFETY: pages of a file that were never written to: the next access reads the same from the file again.
            let _ = unsafe { madvise(start.cast::<c_void>(), length.get(), MmapAdvise::MADV_DONTNEED) };
        }
    }

    /// Finds a mapping of code: private and executable, of a file (proc_pid_maps(5)). What is only readable may hold
    /// relocations, which were written and are not in the file.
    fn code(line: &str) -> Option<(NonNull<u8>, NonZero<usize>)> {
        let mut words = line.split_whitespace();
        let (start, end) = words.next()?.split_once('-')?;
        let is_code = words.next()? == "r-xp" && words.nth(3).is_some_and(|path| path.starts_with('/'));
        let address = |text| usize::from_str_radix(text, 16).ok();
        let (start, end) = (address(start)?, address(end)?);
        let place = NonNull::new(std::ptr::with_exposed_provenance_mut(start))?;
        is_code.then_some((place, NonZero::new(end.checked_sub(start)?)?))
    }
}
